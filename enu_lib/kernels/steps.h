// Steps of several units that share their rules, on the CPU.
//
// Vectors run over the hidden units, so that a unit's memory and a weight row each take a few registers.  Several units are
// stepped together, so that each weight row is loaded once for all of them.

#pragma once

#include <cstring>

#include "rules.h"

#if defined(__AVX512F__)  // BY_LANES
template <int R>
INLINE void read_out_one(const Rules& w, const float* h, float* o, const float* noise) {
    // out[hidden] is the bias, in the last vector or right after it; padding of the memory is zero
    vec sum[8] = {};
    for (int r = 0; r < R; r++)
        for (int v = 0; v < HV; v++) sum[r] += at(h + r * HP, v) * load(w.out + v * L);
    vec y = across(sum) + w.out[w.cell.hidden];
    if (noise) y += w.cell.noise * load(noise);  // one output per row, so the noise of all rows is contiguous
    if (w.cell.kind == ENU) y *= w.cell.gain;
    if (w.cell.clip) y = clamp(y, 0.0f, 1.0f);
    float each[L];
    store(each, y);
    for (int r = 0; r < R; r++) o[r * w.CP] = each[r];
}
template <int R>
INLINE void read_out_four(const Rules& w, const float* h, float* o, const float* noise) {
    // lanes are (memory / 4, channel): spread every fourth value over its four lanes, and multiply by the weights
    for (int first = 0; first < R; first += 4) {
        vec acc[4] = {};
        for (int r = 0; r < 4 && first + r < R; r++)
            for (int v = 0; v < HV; v++) {
                const vec x = at(h + (first + r) * HP, v);
                const vec* W = (const vec*)w.out + 4 * v;
                acc[r] += SPREAD(x, 0) * W[0] + SPREAD(x, 1) * W[1] + SPREAD(x, 2) * W[2] + SPREAD(x, 3) * W[3];
            }
        vec y = fold<8>(fold<4>(acc[0], acc[1]), fold<4>(acc[2], acc[3])) + load(w.out + 4 * HP);
        if (noise) y += w.cell.noise * load(noise + first * 4);
        if (w.cell.kind == ENU && w.cell.gain != 1) y *= w.cell.gain;
        if (w.cell.clip) y = clamp(y, 0.0f, 1.0f);
        float each[L];
        store(each, y);
        for (int r = 0; r < 4 && first + r < R; r++) memcpy(o + (first + r) * w.CP, each + r * 4, 4 * sizeof(float));
    }
}
#else
template <int R>
INLINE void read_out_one(const Rules& w, const float* h, float* o, const float* noise) {
    for (int r = 0; r < R; r++) {
        vec sum = {};
        for (int v = 0; v < HV; v++) sum += at(h + r * HP, v) * load(w.out + v * L);
        float y = w.out[w.cell.hidden];
        for (int i = 0; i < L; i++) y += sum[i];
        if (noise) y += w.cell.noise * noise[r];
        if (w.cell.kind == ENU) y *= w.cell.gain;
        if (w.cell.clip) y = y > 1 ? 1.0f : y < 0 ? 0.0f : y;
        o[r * w.CP] = y;
    }
}
template <int R>
INLINE void read_out_four(const Rules&, const float*, float*, const float*) {}
#endif

template <int R>
INLINE void read_out(const Rules& w, const float* h, float* o, const float* noise, int noise_stride) {
    const int H = w.cell.hidden, C = w.cell.n_out;
    if (C == 1) return read_out_one<R>(w, h, o, noise);
    if (BY_LANES && C == 4) return read_out_four<R>(w, h, o, noise);
    for (int c = 0; c < C; c += L) {
        const auto bias = [&](int, int) { return load(w.out + H * w.CP + c); };
        sums<R, 1>(bias, [&](int r, int, vec y) {
            if (noise) y += w.cell.noise * load(noise + r * noise_stride + c);
            if (w.cell.kind == ENU && w.cell.gain != 1) y *= w.cell.gain;
            if (w.cell.clip) y = clamp(y, 0.0f, 1.0f);
            store(o + r * w.CP + c, y);
        }, w.CP, Input{h, HP, H, w.out + c});
    }
}

// One step of R units.  a, b: rows (G, HP) of initial values of the gates' sums, b may be null; x: n further inputs.
// Updates h (R, HP), c (R, HP; cell state of an LSTM) and o (R, CP).
template <int R>
static void step(const Rules& w, const float* const* a, const float* const* b, const float* x, int64_t x_stride, int n,
                 float* h, float* c, float* o, const float* noise, int noise_stride) {
    const int row = w.G * HP, H = w.cell.hidden, C = w.cell.fed();
    alignas(64) float kept[R][HP], rh[R][HP];
    const auto from = [&](int gate) {  // initial values of a gate's sums
        return [=](int r, int v) { return at(a[r] + gate * HP, v) + (b ? at(b[r] + gate * HP, v) : vec{}); };
    };
    const Input in{x, x_stride, n, w.x}, fed{o, w.CP, C, w.o}, own{h, HP, H, w.h};
    const auto gate = [&](Input i, int g) { return Input{i.x, i.stride, i.K, i.W + g * HP}; };
    if (w.cell.kind == ENU) {
        sums<R, 2 * HV>(from(0), [&](int r, int v, vec sum) {
            if (v < HV) at(rh[r], v) = sigmoid_of_double(sum) * at(h + r * HP, v);
            else at(kept[r], v - HV) = sigmoid_of_double(sum);
        }, row, in, fed, own);
        const Input reset{rh[0], HP, H, w.h};
        sums<R, HV>(from(2), [&](int r, int v, vec sum) {
            vec& m = at(h + r * HP, v);
            m = m + at(kept[r], v) * (tanh_(sum) - m);
        }, row, gate(in, 2), gate(fed, 2), gate(reset, 2));
    } else if (w.cell.kind == GRU) {
        alignas(64) float inner[R][HP];
        sums<R, 2 * HV>(from(0), [&](int r, int v, vec sum) {
            if (v < HV) at(rh[r], v) = sigmoid_of_double(sum);
            else at(kept[r], v - HV) = sigmoid_of_double(sum);
        }, row, in, own);
        const auto late = [&](int, int v) { return at(w.late, v); };
        sums<R, HV>(late, [&](int r, int v, vec sum) { at(inner[r], v) = sum; }, row, gate(own, 2));
        sums<R, HV>(from(2), [&](int r, int v, vec sum) {
            vec& m = at(h + r * HP, v);
            const vec z = at(kept[r], v);
            m = (1 - z) * tanh_(sum + at(rh[r], v) * at(inner[r], v)) + z * m;
        }, row, gate(in, 2));
    } else {
        sums<R, 2 * HV>(from(0), [&](int r, int v, vec sum) {  // input, forget
            if (v < HV) at(rh[r], v) = sigmoid_of_double(sum);
            else at(kept[r], v - HV) = sigmoid_of_double(sum) * at(c + r * HP, v - HV);
        }, row, in, own);
        alignas(64) float next[R][HP];
        sums<R, 2 * HV>(from(2), [&](int r, int v, vec sum) {  // cell, output
            if (v < HV) at(c + r * HP, v) = at(kept[r], v) + at(rh[r], v) * tanh_(sum);
            else at(next[r], v - HV) = sigmoid_of_double(sum) * tanh_(at(c + r * HP, v - HV));
        }, row, gate(in, 2), gate(own, 2));
        memcpy(h, next, sizeof(next));  // not earlier, since every tile reads the old h
    }
    read_out<R>(w, h, o, noise, noise_stride);
}

// One step of any number of units, in blocks that fill the registers.
static void step_all(const Rules& w, int rows, const float* const* a, const float* const* b, const float* x,
                     int64_t x_stride, int n, float* h, float* c, float* o, const float* noise, int noise_stride) {
    int r = 0;
#define BLOCK(R)                                                                                                    \
    for (; r + R <= rows; r += R)                                                                                   \
        step<R>(w, a + r, b ? b + r : nullptr, x + r * x_stride, x_stride, n, h + r * HP, c + r * HP, o + r * w.CP, \
                noise ? noise + r * noise_stride : nullptr, noise_stride);
    if constexpr (ROWS >= 8) { BLOCK(8) }
    if constexpr (ROWS >= 6) { BLOCK(6) }
    BLOCK(4) BLOCK(2) BLOCK(1)
#undef BLOCK
}

// out (rows, G, HP) = first + x W, gate by gate.  Rows beyond the last block of 6 are computed one by one.
template <int R>
static void project_some(int G, const float* x, int stride, int K, const float* W, const float* first, float* out) {
    for (int g = 0; g < G; g++) {
        const auto start = [&](int, int v) { return first ? at(first + g * HP, v) : vec{}; };
        sums<R, HV>(start, [&](int r, int v, vec sum) {
            at(out + (r * G + g) * HP, v) = sum;
        }, G * HP, Input{x, stride, K, W + g * HP});
    }
}
static void project(int G, int rows, const float* x, int stride, int K, const float* W, const float* first, float* out) {
    int r = 0;
    for (; r + 6 <= rows; r += 6) project_some<6>(G, x + r * stride, stride, K, W, first, out + r * G * HP);
    for (; r < rows; r++) project_some<1>(G, x + r * stride, stride, K, W, first, out + r * G * HP);
}
