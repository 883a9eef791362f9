// SPDX-License-Identifier: Apache-2.0
// Pragmas for Vitis HLS, hidden from all other compilers: BNN_PRAGMA(HLS PIPELINE II=1).
#ifndef BNN_PRAGMA_HPP_
#define BNN_PRAGMA_HPP_

#ifdef __SYNTHESIS__
#define BNN_PRAGMA(...) _Pragma(#__VA_ARGS__)
#else
#define BNN_PRAGMA(...)
#endif

#endif
