// SPDX-License-Identifier: Apache-2.0
// ap_int and hls::stream: those of Vitis HLS, or the open ones.
//
// The open ap_int clears its unused bits before its value is set, harmlessly; compilers warn of it wherever it is inlined.
#ifndef BNN_AP_TYPES_HPP_
#define BNN_AP_TYPES_HPP_

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
