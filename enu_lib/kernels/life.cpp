// Whole episodes on the CPU: single units on given inputs, networks step by step, networks in a maze.
//
// Vectors run over the hidden units, so that a unit's memory and a weight row each take a few registers.  Several units that
// share the rules are stepped together, so that each weight row is loaded once for all of them.  An offspring's data stay in
// the core's cache for its whole episode.  Offspring are independent and are distributed over threads; results do not depend
// on the number of threads.
//
// Compiled with -DHP=n: hidden units rounded up to whole blocks of 16.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "maze.h"

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

enum Kind { ENU = 0, GRU = 1, LSTM = 2 };

struct Cell {  // filled by kernels/cpu.py
    int32_t kind, n_in, n_out, hidden, feedback, clip;
    float gain, noise, gate_gain, reset_bias;
    int gates() const { return kind == LSTM ? 4 : 3; }
    int out_stride() const { return (n_out + PAD - 1) / PAD * PAD; }
    int fed() const { return kind == ENU && feedback ? n_out : 0; }
    int params() const {
        if (kind == ENU) return (n_in + feedback * n_out + hidden + 1) * 3 * hidden + (hidden + 1) * n_out;
        return (n_in + hidden + 2) * gates() * hidden + (hidden + 1) * n_out;
    }
};

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

// Rules of one offspring's cell: rows padded to whole vectors, with the constants inside tanh and sigmoid folded in.
constexpr bool BY_LANES = L == 16;  // selects the implementation of `read_out`
struct Rules {
    Cell cell;
    int G, CP;
    std::vector<float> memory;
    float *x, *o, *h, *bias, *late, *out;  // (n_in, G, HP) (n_out, G, HP) (hidden, G, HP) (G, HP) (HP) (hidden + 1, CP)

    explicit Rules(const Cell& c) : cell(c), G(c.gates()), CP(c.out_stride()) {
        const size_t row = G * HP, rows = c.n_in + c.n_out + c.hidden + 1;
        memory.resize(rows * row + HP + (c.hidden + 1) * CP + 4 * HP + 2 * PAD);
        float* p = (float*)(((uintptr_t)memory.data() + 63) & ~(uintptr_t)63);
        x = p, p += c.n_in * row;
        o = p, p += c.n_out * row;
        h = p, p += c.hidden * row;
        bias = p, p += row;
        late = p, p += HP;
        out = p;
    }

    void set(const float* genome) {
        std::fill(memory.begin(), memory.end(), 0.0f);
        const int H = cell.hidden, C = cell.n_out;
        float scale[4];
        if (cell.kind == ENU) {
            scale[0] = scale[1] = 0.5f * cell.gate_gain, scale[2] = cell.gate_gain;
            const int K = cell.n_in + cell.feedback * C + H + 1;
            for (int k = 0; k < K; k++) {
                float* row = k < cell.n_in ? x + k * G * HP
                    : k < K - H - 1 ? o + (k - cell.n_in) * G * HP
                    : k < K - 1 ? h + (k - (K - H - 1)) * G * HP : bias;
                for (int j = 0; j < H; j++) {
                    row[j] = scale[0] * genome[k * 2 * H + j];
                    row[HP + j] = scale[1] * genome[k * 2 * H + H + j];
                    row[2 * HP + j] = scale[2] * genome[K * 2 * H + k * H + j];
                }
            }
            for (int j = 0; j < H; j++) bias[j] += scale[0] * cell.reset_bias;
            genome += K * 3 * H;
        } else {
            for (int g = 0; g < 4; g++) scale[g] = (g == 2 ? 1.0f : 0.5f) * cell.gate_gain;
            const float *ih = genome, *hh = ih + cell.n_in * G * H, *bi = hh + H * G * H, *bh = bi + G * H;
            for (int g = 0; g < G; g++)
                for (int j = 0; j < H; j++) {
                    for (int k = 0; k < cell.n_in; k++) x[(k * G + g) * HP + j] = scale[g] * ih[(k * G + g) * H + j];
                    for (int k = 0; k < H; k++) h[(k * G + g) * HP + j] = scale[g] * hh[(k * G + g) * H + j];
                    const bool after = cell.kind == GRU && g == 2;  // the reset gate multiplies this bias too
                    bias[g * HP + j] = scale[g] * (bi[g * H + j] + (after ? 0.0f : bh[g * H + j]));
                    if (after) late[j] = scale[g] * bh[g * H + j];
                }
            for (int j = 0; j < H; j++) bias[j] += scale[0] * cell.reset_bias;  // 0 in an LSTM
            genome = bh + G * H;
        }
        for (int k = 0; k <= H; k++)
            for (int c = 0; c < C; c++) {
                if (C == 1) out[k] = genome[k];  // one output is a dot product: store the weights contiguously along the memory
                else if (BY_LANES && C == 4 && k < H) out[(k / L * 4 + k % 4) * L + k % L / 4 * 4 + c] = genome[k * C + c];
                else if (BY_LANES && C == 4) for (int r = 0; r < 4; r++) out[4 * HP + r * 4 + c] = genome[k * C + c];
                else out[k * CP + c] = genome[k * C + c];
            }
    }
};

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

#if defined(__AVX512F__)  // BY_LANES
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

struct Net {  // filled by kernels/cpu.py
    Cell neuron, synapse;
    int32_t shared, inputs, neurons, synapses, outputs;
    const int32_t* table;  // (neurons, synapses) presynaptic neuron
};

struct Buffer {  // aligned floats, initially zero
    std::vector<float> memory;
    float* p;
    explicit Buffer(size_t n) : memory(n + PAD) { p = (float*)(((uintptr_t)memory.data() + 63) & ~(uintptr_t)63); }
};

// Working memory of one agent's network.
struct Agent {
    const Net& net;
    const int N, S, C, CP, G, row;
    Buffer neuron_h, neuron_c, neuron_o, synapse_h, synapse_c, synapse_o, current, zero, pre, post;
    std::vector<const float*> source, a, b, bias;

    explicit Agent(const Net& n)
        : net(n), N(n.neurons), S(n.synapses), C(n.neuron.n_out), CP(n.neuron.out_stride()), G(n.synapse.gates()),
          row(G * HP), neuron_h(N * HP), neuron_c(N * HP), neuron_o(N * CP),
          synapse_h(N * S * HP), synapse_c(N * S * HP), synapse_o(N * S * CP), current(N * CP), zero(row),
          pre((n.inputs + N) * row), post(N * row), source(n.inputs + N), a(N * S), b(N * S), bias(N) {
        for (int i = 0; i < n.inputs; i++) source[i] = zero.p;
        for (int i = 0; i < N; i++) source[n.inputs + i] = pre.p + (n.inputs + i) * row;
    }

    void clear() {
        for (Buffer* x : {&neuron_h, &neuron_c, &neuron_o, &synapse_h, &synapse_c, &synapse_o})
            std::fill(x->memory.begin(), x->memory.end(), 0.0f);
    }

    // One step.  source[0 .. inputs) point to the projected inputs.  noise: of neurons, then of synapses; or null.
    void step(const Rules& neuron, const Rules& synapse, const float* noise) {
        // A synapse's input is the sum of two gathered rows, so each source is projected once rather than per synapse.
        project(G, N, neuron_o.p, CP, C, synapse.x, nullptr, pre.p + net.inputs * row);
        project(G, N, neuron_o.p, CP, C, synapse.x + C * row, synapse.bias, post.p);
        for (int i = 0; i < N; i++)
            for (int s = 0; s < S; s++) {
                a[i * S + s] = source[net.table[i * S + s]];
                b[i * S + s] = post.p + i * row;
            }
        step_all(synapse, N * S, a.data(), b.data(), synapse_h.p, 0, 0, synapse_h.p, synapse_c.p, synapse_o.p,
                 noise ? noise + N * C : nullptr, C);
        const float share = 1.0f / S;
        for (int i = 0; i < N; i++)
            for (int c = 0; c < CP; c += L) {
                vec sum = {};
                for (int s = 0; s < S; s++) sum += load(synapse_o.p + (i * S + s) * CP + c);
                store(current.p + i * CP + c, sum * share);
            }
        for (int i = 0; i < N; i++) bias[i] = neuron.bias;
        step_all(neuron, N, bias.data(), nullptr, current.p, CP, C, neuron_h.p, neuron_c.p, neuron_o.p,
                 noise, C);
    }

    float output(int i) const { return neuron_o.p[(N - net.outputs + i) * CP]; }
};

// Rules of an offspring's neuron and synapse (the same object for both if shared).
struct Pair {
    Rules neuron, synapse;
    const Net& net;
    explicit Pair(const Net& n) : neuron(n.neuron), synapse(n.synapse), net(n) {}
    static int64_t params(const Net& n) { return n.synapse.params() + (n.shared ? 0 : n.neuron.params()); }
    void set(const float* genome) {
        if (!net.shared) neuron.set(genome), genome += net.neuron.params();
        synapse.set(genome);
    }
    const Rules& first() const { return net.shared ? synapse : neuron; }
};

// Distributes items over threads.  Returns 0, or 1 if out of memory.
static int share_out(int64_t items, int threads, const std::function<void(std::atomic<int64_t>&)>& work) {
    std::atomic<int64_t> next{0};
    std::atomic<int> failed{0};
    const auto some = [&] {
        try {
            work(next);
        } catch (const std::bad_alloc&) {  // exceptions must not leave the thread or the C interface
            failed = 1;
        }
    };
    std::vector<std::thread> others;
    try {
        for (int64_t i = 1; i < std::min<int64_t>(threads, items); i++) others.emplace_back(some);
    } catch (const std::exception&) {  // no more threads available: continue with those there are
    }
    some();
    for (auto& t : others) t.join();
    return failed;
}

// Genomes (P, D), or, if `genomes` is null, offspring number `first` and following ones of a parent: the parent plus each of
// the mutations (pairs, D), then the parent minus each of them.
struct Population {  // filled by kernels/cpu.py
    const float *genomes, *parent, *mutations;
    int64_t pairs, first;
    float largest;  // an offspring whose squared norm is not at most this becomes NaN

    // Genome p of D values; `room` has space for it, up to a multiple of L.
    const float* row(int64_t p, int64_t D, float* room) const {
        if (genomes) return genomes + p * D;
        const int64_t i = first + p;
        const float* m = mutations + i % pairs * D;
        const float sign = i < pairs ? 1.0f : -1.0f;
        for (int64_t j = 0; j < D; j++) room[j] = parent[j] + sign * m[j];
        vec squares = {};
        for (int64_t j = 0; j < D; j += L) squares += load(room + j) * load(room + j);  // zeros follow the genome
        float norm = 0;
        for (int l = 0; l < L; l++) norm += squares[l];
        if (!(norm <= largest)) std::fill(room, room + D, NAN);
        return room;
    }
};

// Standard normal numbers for every step; none if `table` is null.
struct Noise {  // filled by kernels/cpu.py
    const float* table;  // readable from any offset
    const int64_t *offsets, *shifts;  // (T, B), (P, B); shifts may be null: all offspring get the same noise
    int64_t length;  // of the table, before it repeats

    // The numbers of offspring p in environment b of B at step t, or null.
    const float* at(int64_t t, int64_t p, int64_t b, int64_t B) const {
        if (!table) return nullptr;
        const int64_t i = offsets[t * B + b] + (shifts ? shifts[p * B + b] : 0);
        return table + (i < length ? i : i - length);
    }
};

// How the outputs of a single unit are scored, as in tasks/stdp.py and tasks/iaf.py.
struct Scoring {  // filled by kernels/scoring.py
    const float* target;   // (B, T) the output that is asked for; or null:
    const int32_t* since;  // (B, T) steps since the last spike that is asked for
    float fires_above;
    int32_t before;  // steps from the unit's last spike to the start

    // Fitness of step i of (B, T), for output o; `own`: steps since the unit's last spike.
    float step(int64_t i, float o, int32_t& own) const {
        if (target) {
            const float apart = target[i] - o;
            return -(apart * apart);
        }
        const bool fired = o > fires_above;
        own = fired ? 0 : own + 1;
        const float apart = (float)(since[i] - own);
        const float high = o - 1;
        const float height = fired ? (float)((double)high * high) : 0.0f;  // rounded before it is added, as torch does
        return -(apart * apart + height) + 0 * o;                         // NaN stays NaN
    }
};

// Single units on inputs x (B, T, n_in).  y: outputs (P, B, T, C), or, with `scoring`, the fitness of every step (P, B, T).
static int units(const Cell* cell, int64_t P, int64_t B, int64_t T, const Population& population, const float* x,
                 const Noise* given, const Scoring* scoring, float* y, int threads) {
    const int64_t D = cell->params(), n = cell->n_in, C = cell->n_out;
    const Noise drawn = given ? *given : Noise{};
    return share_out(P, threads, [&](std::atomic<int64_t>& next) {
        Rules w(*cell);
        Buffer h(ROWS * HP), c(ROWS * HP), o(ROWS * w.CP), noise(ROWS * C + PAD), genome(D + PAD);
        std::vector<const float*> bias(ROWS, w.bias);
        for (int64_t p; (p = next++) < P;) {
            w.set(population.row(p, D, genome.p));
            for (int64_t b0 = 0; b0 < B; b0 += ROWS) {
                int32_t own[ROWS];
                std::fill(own, own + ROWS, scoring ? scoring->before : 0);
                const int R = (int)std::min<int64_t>(ROWS, B - b0);
                for (Buffer* m : {&h, &c, &o}) std::fill(m->memory.begin(), m->memory.end(), 0.0f);
                for (int64_t t = 0; t < T; t++) {
                    if (drawn.table)
                        for (int r = 0; r < R; r++) copy(noise.p + r * C, drawn.at(t, p, b0 + r, B), C);
                    step_all(w, R, bias.data(), nullptr, x + (b0 * T + t) * n, T * n, (int)n, h.p, c.p, o.p,
                             drawn.table ? noise.p : nullptr, (int)C);
                    for (int r = 0; r < R; r++) {
                        const int64_t i = (b0 + r) * T + t;
                        if (scoring) y[p * B * T + i] = scoring->step(i, o.p[r * w.CP], own[r]);
                        else copy(y + (p * B * T + i) * C, o.p + r * w.CP, C);
                    }
                }
            }
        }
    });
}

extern "C" {

// y (P, B, T, C) for x (B, T, n_in).  Here and below, noise may be null.
int unit_outputs(const Cell* cell, int64_t P, int64_t B, int64_t T, const float* genomes, const float* x, const Noise* noise,
                 float* y, int threads) {
    return units(cell, P, B, T, Population{genomes}, x, noise, nullptr, y, threads);
}

// The fitness of every step (P, B, T) of units with one output.
int unit_scores(const Cell* cell, int64_t P, int64_t B, int64_t T, const Population* population, const float* x,
                const Noise* noise, const Scoring* scoring, float* y, int threads) {
    return units(cell, P, B, T, *population, x, noise, scoring, y, threads);
}

// Floats of memory per network: every unit's memory and output, packed.
int64_t network_memory(const Net* net) {
    const int64_t N = net->neurons, M = N * net->synapses, lstm = net->neuron.kind == LSTM ? 2 : 1;
    return (N + M) * (lstm * HP + net->neuron.out_stride());
}

// One step of all networks, with memory (P, B, network_memory).  Noise begins at table + offsets (P, B); none if table is null.
int network_step(const Net* net, int64_t P, int64_t B, const float* genomes, const float* x, int64_t channels,
                 int64_t x_population, float* memory, const float* table, const int64_t* offsets, float* y, int threads) {
    const int64_t size = network_memory(net), D = Pair::params(*net), I = net->inputs, N = net->neurons;
    return share_out(P, threads, [&](std::atomic<int64_t>& next) {
        Pair rules(*net);
        Agent agent(*net);
        for (int i = 0; i < I; i++) agent.source[i] = agent.pre.p + i * agent.row;
        for (int64_t p; (p = next++) < P;) {
            rules.set(genomes + p * D);
            for (int64_t b = 0; b < B; b++) {
                float* m = memory + (p * B + b) * size;
                struct Part { Buffer& buffer; int64_t n; };
                const int64_t M = N * net->synapses, CP = agent.CP;
                std::vector<Part> parts = {{agent.neuron_h, N * HP}, {agent.neuron_o, N * CP},
                                           {agent.synapse_h, M * HP}, {agent.synapse_o, M * CP}};
                if (net->neuron.kind == LSTM)
                    parts.push_back({agent.neuron_c, N * HP}), parts.push_back({agent.synapse_c, M * HP});
                for (auto& part : parts) memcpy(part.buffer.p, m, part.n * sizeof(float)), m += part.n;
                const float* xb = x + ((x_population > 1 ? p * B : 0) + b) * I * channels;
                project(agent.G, (int)I, xb, (int)channels, (int)channels, rules.synapse.x, nullptr, agent.pre.p);
                agent.step(rules.first(), rules.synapse, table ? table + offsets[p * B + b] : nullptr);
                m = memory + (p * B + b) * size;
                for (auto& part : parts) memcpy(m, part.buffer.p, part.n * sizeof(float)), m += part.n;
                for (int i = 0; i < net->outputs; i++) y[(p * B + b) * net->outputs + i] = agent.output(i);
            }
        }
    });
}

// Whole episodes in a maze as defined by tasks/maze.py.  An episode is not stepped further after it has ended.
// sensor_of, action_of (B, 3), or (P, B, 3) with own_shuffles; places (B, periods, 2) cells of food and poison; y (P, B, T, 3)
// may be null.
int maze_lives(const Net* net, const MazeRules* maze, int64_t P, int64_t B, const Population* population, const Noise* noise,
               const whole* sensor_of, const whole* action_of, const whole* places, int own_shuffles, float* fitness,
               int32_t* foods, int32_t* poisons, int32_t* alive_steps, float* y, int threads) {
    const int64_t D = Pair::params(*net), T = maze->steps;
    const Noise drawn = noise ? *noise : Noise{};
    return share_out(P, threads, [&](std::atomic<int64_t>& next) {
        Pair rules(*net);
        Agent agent(*net);
        std::vector<unsigned> been(MazeLife::words(*maze));
        Buffer genome(D + PAD);
        for (int64_t p; (p = next++) < P;) {
            rules.set(population->row(p, D, genome.p));
            const float* shown[] = {agent.zero.p, rules.synapse.x, rules.synapse.x + agent.row, rules.synapse.x + 2 * agent.row};
            for (int64_t b = 0; b < B; b++) {
                const int64_t i = p * B + b, shuffle = (own_shuffles ? i : b) * 3;
                agent.clear();
                MazeLife life;
                life.begin(maze, sensor_of + shuffle, action_of + shuffle, places + b * maze->periods * 2, been.data());
                while (life.alive && life.steps < T) {
                    const int64_t t = life.steps;
                    int shows[4];
                    life.observe(shows);
                    for (int k = 0; k < 4; k++) agent.source[k] = shown[shows[k] - DARK];
                    agent.step(rules.first(), rules.synapse, drawn.at(t, p, b, B));
                    const float outputs[3] = {agent.output(0), agent.output(1), agent.output(2)};
                    if (y) copy(y + (i * T + t) * 3, outputs, 3);
                    life.step(outputs);
                }
                fitness[i] = life.fitness, foods[i] = life.foods, poisons[i] = life.poisons, alive_steps[i] = life.steps;
            }
        }
    });
}

}  // extern "C"
