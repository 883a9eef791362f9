// SPDX-License-Identifier: Apache-2.0
// ap_int and hls::stream: those of Vitis HLS, or the open ones.
#ifndef BNN_AP_TYPES_HPP_
#define BNN_AP_TYPES_HPP_

#include <cstdint>

// The open ap_int declares std::complex in a way that clashes with libc++ (macOS); its complex numbers are not needed.
#ifdef _LIBCPP_VERSION
#define __AP_INT_SPECIAL_H__
#define __AP_FIXED_SPECIAL_H__
#endif

// It also clears its unused bits before its value is set, which is harmless; g++ warns of that wherever it is inlined.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include <ap_int.h>
#include <hls_stream.h>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
