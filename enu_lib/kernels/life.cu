// Whole episodes of networks in a maze on an Nvidia GPU: one block of threads runs one offspring in E environments.
//
// All data stay in the multiprocessor's shared memory from the first step to the last: the offspring's rules, and every
// unit's memory and output.  The host is not involved.  A thread keeps a tile of sums, some units by some hidden values, in
// registers; each value that it loads is used for the whole tile.  Memory and outputs are stored value by value, with all
// units of a value contiguous, so that the units of a tile are loaded as vectors.
//
// Rules have the layout of `Gates` in kernels/fused.py: gains and the reset gate's bias folded in, memory halved.
// Compiled with -D: H hidden, C channels, FED outputs fed back (C or 0), N neurons, S synapses per neuron, E environments
// per block, CELLS of the maze, THREADS per block, SHARED bytes per block, BLOCKS that fit a multiprocessor.

#include "maze.h"

constexpr int INPUTS = 4, OUTPUTS = 3, GATES = 3 * H;
constexpr int SYNAPSES = (N * S + 7) / 8 * 8, SYNAPSE_ROWS = E * SYNAPSES, NEURON_ROWS = (E * N + 3) / 4 * 4;  // whole tiles

struct Lives {  // filled by kernels/cuda.py
    const float *neuron, *synapse;  // (P, ..) rules of each offspring's cells, in the order of `Rules`
    const int* connections;         // (N S) presynaptic neuron
    const float* table;             // noise, readable from any offset
    const whole *offsets, *shifts;  // (T, B), (P, B); shifts may be null
    const whole *sensor_of, *action_of, *places;  // (B, 3), (B, 3), (B, periods, 2); the first two (P, B, 3) with own_shuffles
    float* fitness;                 // (P, B), as are the next three
    whole *foods, *poisons, *steps;
    float* outputs;                 // (P, B, T, 3), or null
    int environments, own_shuffles, length;  // B; 0 or 1; of the table, before it repeats
    float noise, gain;
};

template <int IN>
struct alignas(16) Rules {  // rules of one offspring's cell; own: rows for the fed-back output, then for the memory
    float x_gates[IN][2 * H], x_cell[IN][H], own_gates[FED + H][2 * H], own_cell[FED + H][H];
    float bias_gates[2 * H], bias_cell[H], out[H][C], out_bias[C];
    static constexpr int size = (IN + FED + H + 1) * GATES + (H + 1) * C;
};

// Values of units, with all units of a value contiguous.  After every W values, as many as a thread has, four floats of padding
// give neighbouring threads different memory banks.
template <int K, int ROWS, int W>
struct Values {
    alignas(16) float at[K * ROWS + (K + W - 1) / W * 4];
    __device__ float* operator()(int k, int r) { return at + k * ROWS + k / W * 4 + r; }
};
constexpr int V = C % 2 == 0 && C > H / 4 ? 2 : 1;  // outputs that a thread computes at a time

struct Memory {
    Rules<2 * C> synapse;
    Rules<C> neuron;
    Values<H, SYNAPSE_ROWS, 4> synapse_h;
    Values<C, SYNAPSE_ROWS, V> synapse_o;
    Values<H, NEURON_ROWS, 1> neuron_h;
    Values<C, NEURON_ROWS, 1> neuron_o, current;
    alignas(16) float pre[E][INPUTS + N][GATES], post[E][N][GATES];  // projected sources and postsynaptic neurons
    MazeLife life[E];
    int source[SYNAPSES], shows[E][INPUTS], noise_at[E];
    unsigned been[E][(CELLS + 31) / 32];
};
static_assert(sizeof(Memory) <= SHARED, "kernels/cuda.py counts less shared memory than is needed");

__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }
__device__ inline float clip(float x) { return x > 1 ? 1.0f : x < 0 ? 0.0f : x; }  // NaN stays NaN

template <int IN>
__device__ inline void load(Rules<IN>& to, const float* from, int p) {
    for (int i = threadIdx.x; i < to.size; i += THREADS) ((float*)&to)[i] = from[p * (whole)to.size + i];
}

template <int n>
__device__ inline void get(float (&to)[n], const float* from) {
#pragma unroll
    for (int i = 0; i < n; i += n % 4 ? 1 : 4) {
        if (n % 4) to[i] = from[i];
        else {
            const float4 v = *(const float4*)(from + i);
            to[i] = v.x, to[i + 1] = v.y, to[i + 2] = v.z, to[i + 3] = v.w;
        }
    }
}
template <int n>
__device__ inline void put(float* to, const float (&from)[n]) {
#pragma unroll
    for (int i = 0; i < n; i += 4) *(float4*)(to + i) = float4{from[i], from[i + 1], from[i + 2], from[i + 3]};
}

// sum[g][r][c] += values(k, row + r) w[k][g H + c], over K.
template <int G, int R, int W, int K, int ROWS, int A>
__device__ inline void accumulate(float (&sum)[G][R][W], Values<K, ROWS, A>& values, int row, const float* w, int w_row) {
    const float* a = values(0, row);
#pragma unroll 4
    for (int k = 0; k < K; a += ROWS + (k % A == A - 1 ? 4 : 0), w += w_row, k++) {
        float x[R];
        get(x, a);
#pragma unroll
        for (int g = 0; g < G; g++) {
            float weight[W];
            get(weight, w + g * H);
#pragma unroll
            for (int r = 0; r < R; r++)
#pragma unroll
                for (int c = 0; c < W; c++) sum[g][r][c] += x[r] * weight[c];
        }
    }
}

#define TILE(r, c) _Pragma("unroll") for (int r = 0; r < R; r++) _Pragma("unroll") for (int c = 0; c < W; c++)

// One step of ROWS units, with R by W hidden values per thread.  All threads of the block must call it; `active` ones compute.
// start(sum, gate): sets the initial values of the gates' sums.  noise(r, channel): noise of the tile's r-th unit.
template <int R, int W, int IN, int ROWS, int OW, class Start, class Noise>
__device__ inline void step(const Rules<IN>& w, Values<H, ROWS, W>& h, Values<C, ROWS, OW>& o, int row, int col, bool active,
                            Start start, Noise noise, float gain) {
    float own[W][R], reset[W][R], keep[W][R];
    if (active) {
        float sum[2][R][W];
        start(sum, 0);
        if (FED) accumulate(sum, o, row, &w.own_gates[0][col], 2 * H);
        accumulate(sum, h, row, &w.own_gates[FED][col], 2 * H);
#pragma unroll
        for (int c = 0; c < W; c++) get(own[c], h(col + c, row));
        TILE(r, c) reset[c][r] = sigmoid(sum[0][r][c]) * own[c][r], keep[c][r] = sigmoid(sum[1][r][c]);
    }
    __syncthreads();  // all threads have read the memory
    if (active)
#pragma unroll
        for (int c = 0; c < W; c++) put(h(col + c, row), reset[c]);
    __syncthreads();
    if (active) {
        float sum[1][R][W];
        start(sum, 2);
        if (FED) accumulate(sum, o, row, &w.own_cell[0][col], H);
        accumulate(sum, h, row, &w.own_cell[FED][col], H);
        TILE(r, c) own[c][r] += keep[c][r] * (sigmoid(sum[0][r][c]) - 0.5f - own[c][r]);
    }
    __syncthreads();
    if (active)
#pragma unroll
        for (int c = 0; c < W; c++) put(h(col + c, row), own[c]);
    __syncthreads();
    if (active)
        for (int c = col / W * OW; c < C; c += H / W * OW) {
            float sum[1][R][OW], more[R][OW];
#pragma unroll
            for (int r = 0; r < R; r++)
#pragma unroll
                for (int i = 0; i < OW; i++) sum[0][r][i] = w.out_bias[c + i], more[r][i] = noise(r, c + i);
            accumulate(sum, h, row, &w.out[0][c], C);
#pragma unroll
            for (int i = 0; i < OW; i++) {
                float y[R];
#pragma unroll
                for (int r = 0; r < R; r++) y[r] = clip(gain * (sum[0][r][i] + more[r][i]));
                put(o(c + i, row), y);
            }
        }
    __syncthreads();
}

// Projects sources and postsynaptic neurons through the synapse's input weights, once each rather than once per synapse.
__device__ inline void project(Memory& m) {
    for (int i = threadIdx.x; i < E * INPUTS * H; i += THREADS) {
        const int e = i / (INPUTS * H), input = i / H % INPUTS, j = i % H, shown = m.shows[e][input];
        float* to = &m.pre[e][input][j];
        to[0] = shown == DARK ? 0 : m.synapse.x_gates[shown][j];
        to[H] = shown == DARK ? 0 : m.synapse.x_gates[shown][H + j];
        to[2 * H] = shown == DARK ? 0 : m.synapse.x_cell[shown][j];
    }
    for (int i = threadIdx.x; i < NEURON_ROWS / 4 * H; i += THREADS) {
        const int row = i / H * 4, j = i % H;
        float pre[2][4][1] = {}, post[2][4][1], pre_cell[1][4][1] = {}, post_cell[1][4][1];
#pragma unroll
        for (int r = 0; r < 4; r++) {
            post[0][r][0] = m.synapse.bias_gates[j], post[1][r][0] = m.synapse.bias_gates[H + j];
            post_cell[0][r][0] = m.synapse.bias_cell[j];
        }
        accumulate(pre, m.neuron_o, row, &m.synapse.x_gates[0][j], 2 * H);
        accumulate(post, m.neuron_o, row, &m.synapse.x_gates[C][j], 2 * H);
        accumulate(pre_cell, m.neuron_o, row, &m.synapse.x_cell[0][j], H);
        accumulate(post_cell, m.neuron_o, row, &m.synapse.x_cell[C][j], H);
#pragma unroll
        for (int r = 0; r < 4; r++) {
            const int e = (row + r) / N, n = (row + r) % N;
            if (e >= E) continue;
            float *before = &m.pre[e][INPUTS + n][j], *after = &m.post[e][n][j];
            before[0] = pre[0][r][0], before[H] = pre[1][r][0], before[2 * H] = pre_cell[0][r][0];
            after[0] = post[0][r][0], after[H] = post[1][r][0], after[2 * H] = post_cell[0][r][0];
        }
    }
}

// Averages the outputs of each neuron's synapses into its input.
__device__ inline void average(Memory& m) {
    for (int i = threadIdx.x; i < C * E * N; i += THREADS) {
        const int c = i / (E * N), row = i % (E * N);
        const float* from = m.synapse_o(c, row / N * SYNAPSES + row % N * S);
        float sum = 0;
#pragma unroll
        for (int s = 0; s < S; s++) sum += from[s];
        *m.current(c, row) = sum * (1.0f / S);
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
lives(const __grid_constant__ MazeRules maze, const __grid_constant__ Lives all) {
    extern __shared__ float4 shared_memory[];
    Memory& m = *(Memory*)shared_memory;
    const int tid = threadIdx.x, p = blockIdx.x, b = blockIdx.y * E + tid;
    for (int i = tid; i < (int)(sizeof(Memory) / 4); i += THREADS) ((float*)&m)[i] = 0;
    __syncthreads();
    load(m.synapse, all.synapse, p);
    load(m.neuron, all.neuron, p);
    for (int i = tid; i < N * S; i += THREADS) m.source[i] = all.connections[i];
    const bool mine = tid < E && b < all.environments;  // each of the first E threads simulates one maze
    MazeLife& life = m.life[tid < E ? tid : 0];
    const whole own = (whole)p * all.environments + b, shuffle = (all.own_shuffles ? own : b) * 3;
    if (mine) life.begin(&maze, all.sensor_of + shuffle, all.action_of + shuffle, all.places + b * maze.periods * 2, m.been[tid]);

    const auto noise = [&](int e, int k) { return all.noise * __ldg(all.table + m.noise_at[e] + k); };
    const int s_row = tid / (H / 4) * 8, s_col = tid % (H / 4) * 4, s_e = s_row / SYNAPSES;
    const auto synapse_start = [&](auto& sum, int gate) {
        constexpr int G = sizeof(sum) / sizeof(sum[0]);
#pragma unroll
        for (int r = 0; r < 8; r++) {
            const int i = s_row % SYNAPSES + r, n = i / S < N ? i / S : N - 1;  // rows beyond the last synapse are padding
#pragma unroll
            for (int g = 0; g < G; g++) {
                float pre[4], post[4];
                get(pre, &m.pre[s_e][m.source[i]][(gate + g) * H + s_col]);
                get(post, &m.post[s_e][n][(gate + g) * H + s_col]);
#pragma unroll
                for (int c = 0; c < 4; c++) sum[g][r][c] = pre[c] + post[c];
            }
        }
    };
    const auto synapse_noise = [&](int r, int c) { return noise(s_e, (N + s_row % SYNAPSES + r) * C + c); };
    const int n_row = tid / H * 4, n_col = tid % H;
    const auto neuron_start = [&](auto& sum, int gate) {
        constexpr int G = sizeof(sum) / sizeof(sum[0]);
        const float* bias = gate ? m.neuron.bias_cell : m.neuron.bias_gates;
#pragma unroll
        for (int g = 0; g < G; g++)
#pragma unroll
            for (int r = 0; r < 4; r++) sum[g][r][0] = bias[g * H + n_col];
        const float* w = gate ? &m.neuron.x_cell[0][n_col] : &m.neuron.x_gates[0][n_col];
        accumulate(sum, m.current, n_row, w, G * H);
    };
    const auto neuron_noise = [&](int r, int c) {
        const int e = (n_row + r) / N < E ? (n_row + r) / N : 0;
        return noise(e, (n_row + r) % N * C + c);
    };

    for (int t = 0; t < maze.steps; t++) {
        if (mine && life.alive) {
            life.observe(m.shows[tid]);
            const int from = (int)(all.offsets[(whole)t * all.environments + b] + (all.shifts ? all.shifts[own] : 0));
            m.noise_at[tid] = from < all.length ? from : from - all.length;
        }
        __syncthreads();
        project(m);
        __syncthreads();
        const bool alive = s_row < SYNAPSE_ROWS && m.life[s_e].alive;
        step<8, 4>(m.synapse, m.synapse_h, m.synapse_o, s_row, s_col, alive, synapse_start, synapse_noise, all.gain);
        average(m);
        __syncthreads();
        step<4, 1>(m.neuron, m.neuron_h, m.neuron_o, n_row, n_col, n_row < NEURON_ROWS, neuron_start, neuron_noise, all.gain);
        if (mine && life.alive) {
            float outputs[OUTPUTS];
            for (int i = 0; i < OUTPUTS; i++) outputs[i] = *m.neuron_o(0, tid * N + N - OUTPUTS + i);
            if (all.outputs)
                for (int i = 0; i < OUTPUTS; i++)
                    all.outputs[(((whole)p * all.environments + b) * maze.steps + t) * OUTPUTS + i] = outputs[i];
            life.step(outputs);
        }
        if (!__syncthreads_or(mine && life.alive)) break;
    }
    if (mine) {
        const whole i = (whole)p * all.environments + b;
        all.fitness[i] = life.fitness, all.foods[i] = life.foods, all.poisons[i] = life.poisons, all.steps[i] = life.steps;
    }
}
