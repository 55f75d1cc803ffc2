// Vectors that fill a register, and sums of products with rows of weights, on the CPU.
//
// Compiled with -DHP=n: hidden units rounded up to whole blocks of 16.

#pragma once

#include <algorithm>
#include <cstdint>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#if defined(__AVX512F__)
constexpr int L = 16, REGISTERS = 32;  // floats per vector register, and number of registers
#elif defined(__AVX__)
constexpr int L = 8, REGISTERS = 16;
#elif defined(__aarch64__)
constexpr int L = 4, REGISTERS = 32;
#else
constexpr int L = 4, REGISTERS = 16;
#endif
constexpr int PAD = 16, HV = HP / L;  // rows are padded to a multiple of PAD floats; HV: vectors per unit's memory
typedef float vec __attribute__((vector_size(4 * L)));
typedef float loose __attribute__((vector_size(4 * L), aligned(4)));  // an unaligned vector
// Units stepped together, and vectors of a row summed together (out of N): with the weights they just fill the registers.
constexpr int ROWS = L < 16 ? 6 : HV == 1 ? 8 : HV == 2 ? 6 : 4;
constexpr int tile(int N) { return L == 16 ? N : std::min(N, REGISTERS / 8); }
#define INLINE static inline __attribute__((always_inline))

INLINE vec all(float x) { return vec{} + x; }
INLINE vec load(const float* p) { return *(const loose*)p; }
INLINE void store(float* p, vec v) { *(loose*)p = v; }
INLINE void copy(float* to, const float* from, int64_t n) {  // for few values, faster than calling memcpy
    for (int64_t i = 0; i < n; i++) to[i] = from[i];
}
INLINE vec clamp(vec x, float low, float high) {  // NaN stays NaN
#ifdef __AVX512F__
    return (vec)_mm512_max_ps((__m512)all(low), _mm512_min_ps((__m512)all(high), (__m512)x));  // NaN in either: the second
#else
    x = x > high ? all(high) : x;
    return x < low ? all(low) : x;
#endif
}
INLINE vec tanh_(vec x) {  // minimax rational approximation, error 4e-7
    x = clamp(x, -8.0f, 8.0f);
    const vec u = x * x;
    const vec p = ((1.131043934146936e-05f * u + 0.002938852955722534f) * u + 0.1291366749500106f) * u + 0.9999993638372482f;
    const vec q = (((2.4238996117558676e-07f * u + 0.0002370316946268786f) * u + 0.023763937834533733f) * u
                   + 0.46246766703533804f) * u + 1.0f;
    return x * p / q;
}
INLINE vec sigmoid_of_double(vec half) { return 0.5f + 0.5f * tanh_(half); }  // sigmoid(2 x), for x

// acc[r] += x[r] W for R rows and N vectors of each weight row.
template <int R, int N>
INLINE void accumulate(vec (&acc)[R][N], const float* x, int64_t stride, int K, const float* W, int row) {
    for (int k = 0; k < K; k++, W += row) {
        vec w[N];
#pragma GCC unroll 16
        for (int v = 0; v < N; v++) w[v] = ((const vec*)W)[v];
#pragma GCC unroll 16
        for (int r = 0; r < R; r++) {
            const float xr = x[r * stride + k];
#pragma GCC unroll 16
            for (int v = 0; v < N; v++) acc[r][v] += w[v] * xr;
        }
    }
}

struct Input {  // K values per row, and their weights
    const float* x;
    int64_t stride;
    int K;
    const float* W;
};

// Calls f(r, v, sum) with the sum of start(r, v) and all inputs' products, for R rows of N vectors, tile by tile.
template <int R, int N, class Start, class F, class... Inputs>
INLINE void sums(Start start, F f, int row, const Inputs&... inputs) {
    constexpr int T = tile(N);
    for (int first = 0; first < N; first += T) {
        vec acc[R][T];
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
#pragma GCC unroll 16
            for (int v = 0; v < T; v++) acc[r][v] = start(r, first + v);
        (accumulate<R, T>(acc, inputs.x, inputs.stride, inputs.K, inputs.W + first * L, row), ...);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
#pragma GCC unroll 16
            for (int v = 0; v < T; v++) f(r, first + v, acc[r][v]);
    }
}

INLINE vec& at(float* p, int v) { return ((vec*)p)[v]; }
INLINE vec at(const float* p, int v) { return ((const vec*)p)[v]; }

#if defined(__AVX512F__)  // sums across the lanes of vectors
#ifdef __clang__
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
typedef int32_t lanes __attribute__((vector_size(64)));
#define PICK(a, b, ...) __builtin_shuffle(a, b, lanes{__VA_ARGS__})
#endif
#define SPREAD(x, i) \
    PICK(x, x, i, i, i, i, 4 + i, 4 + i, 4 + i, 4 + i, 8 + i, 8 + i, 8 + i, 8 + i, 12 + i, 12 + i, 12 + i, 12 + i)
// Adds the two halves of each block of 2 D lanes: sums of a go to first halves of the result, those of b to second halves.
template <int D>
INLINE vec fold(vec a, vec b) {
    if (D == 1)
        return PICK(a, b, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30)
            + PICK(a, b, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    if (D == 2)
        return PICK(a, b, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
            + PICK(a, b, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    if (D == 4)
        return PICK(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
            + PICK(a, b, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    return PICK(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
        + PICK(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}
// Lane r: the sum of x[r]'s lanes.
INLINE vec across(const vec (&x)[8]) {
    const vec low = fold<2>(fold<1>(x[0], x[1]), fold<1>(x[2], x[3])), high = fold<2>(fold<1>(x[4], x[5]), fold<1>(x[6], x[7]));
    return fold<8>(fold<4>(low, high), vec{});
}
#endif
