// SPDX-License-Identifier: Apache-2.0
// The path that is being compiled follows from the compiler's options alone: AVX-512 with VPOPCNTDQ, VNNI and VBMI;
// AVX2; else portable C++. A library holds one path, so that no code of another slips in.
#ifndef BNN_EMULATOR_PATH_H
#define BNN_EMULATOR_PATH_H

#if defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512VL__) && defined(__AVX512VPOPCNTDQ__) && \
    defined(__AVX512VNNI__) && defined(__AVX512VBMI__)
#define BNN_AVX512 1
#elif defined(__AVX2__)
#define BNN_AVX2 1
#endif

#endif
