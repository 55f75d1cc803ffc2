// Whole episodes of networks in a maze on an Nvidia GPU: one block of threads runs one offspring in E environments.
//
// All data stay in the multiprocessor from the first step to the last; the host is not involved.  Each warp steps 16 synapses,
// with their memory in its registers; their outputs are in shared memory, like the rules.  Neurons are few, so their memory is
// in shared memory, and the warps share the work on it.  A synapse's input is gathered from two neurons, so each source is
// projected through the input weights once, not once per synapse.
//
// A step has six parts, with a barrier after each: synapses, their averages, two parts for the memory of neurons, their outputs,
// and the maze, which the last warp simulates while the others project.
//
// Compiled with -D: those of cells.h, and N neurons, S synapses per neuron, E environments per block, SQUARES of the maze,
// THREADS per block, SHARED bytes per block, BLOCKS that fit a multiprocessor.

#include "maze.h"
#include "cells.h"

constexpr int INPUTS = 4, OUTPUTS = 3, WARPS = THREADS / 32;
constexpr int SYNAPSES = N * S, ROWS = 16 * WARPS;                          // of an environment; of a block, in whole tiles
constexpr int NEURONS = E * N, NEURON_TILES = (NEURONS + 15) / 16;          // of a block
constexpr int PS = stride(GATES * HT), SHOWN = 4;                           // of a projected row; rows an input can show
constexpr int PROJECTING = WARPS > 1 ? WARPS - 1 : 1;                       // warps that do not simulate the maze
static_assert(ROWS >= E * SYNAPSES, "kernels/cuda.py counts fewer synapses than there are");

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

struct Memory {
    Rules<2 * CT> synapse;
    Rules<CT> neuron;
    alignas(16) float synapse_o[ROWS * OS], neuron_o[16 * NEURON_TILES * OS];
    float neuron_h[16 * NEURON_TILES * HS], neuron_c[KIND == LSTM ? 16 * NEURON_TILES * HS : 4];
    float scratch[SCRATCH * 16 * NEURON_TILES * HS], current[16 * NEURON_TILES * OS];
    float pre[(SHOWN + NEURONS) * PS], post[NEURONS * PS];  // projected sources and postsynaptic neurons
    MazeLife life[E];
    int source[ROWS], row_of[E * (INPUTS + N)];  // source of each synapse, over all environments; row of each source in `pre`
    int noise_at[E];
    unsigned been[E][(SQUARES + 31) / 32];
};
static_assert(sizeof(Memory) <= SHARED, "kernels/cuda.py counts less shared memory than is needed");

// Projects the outputs of neurons as sources, and as postsynaptic neurons, through the synapse's input weights.
__device__ inline void project(Memory& m) {
    if (threadIdx.x >= 32 * PROJECTING) return;
    for (int job = threadIdx.x / 32; job < NEURON_TILES * 2 * GATES; job += PROJECTING) {
        const int row = 16 * (job / (2 * GATES)), gate = job % GATES;
        const bool post = job / GATES % 2;
        Tile sum[HT] = {}, a;
        if (post) fill(sum, m.synapse.bias + 8 * gate * HT);
        EACH(k, CT) {
            get(a, m.neuron_o + (row + tile_row(0)) * OS + 8 * k + tile_column(), OS);
            multiply(sum, a, &m.synapse.x[post * CT + k][gate * HT]);
        }
        float* to = post ? m.post : m.pre + SHOWN * PS;
        EACH(half, 2) if (row + tile_row(half) < NEURONS) EACH(j, HT)
            *(float2*)(to + (row + tile_row(half)) * PS + 8 * (gate * HT + j) + tile_column())
                = float2{sum[j][2 * half], sum[j][2 * half + 1]};
    }
}

// Where the noise of environment b begins in step t.
__device__ inline int noise_from(const Lives& all, int b, int t) {
    const whole from = all.offsets[(whole)t * all.environments + b]
                       + (all.shifts ? all.shifts[(whole)blockIdx.x * all.environments + b] : 0);
    return (int)(from < all.length ? from : from - all.length);
}

// Stores what an environment's agent sees, and where its noise begins.
__device__ inline void observe(Memory& m, int e, int noise_at) {
    int shows[INPUTS];
    m.life[e].observe(shows);
    for (int i = 0; i < INPUTS; i++) m.row_of[e * (INPUTS + N) + i] = shows[i] - DARK;
    m.noise_at[e] = noise_at;
}

// Averages over the synapses of each neuron: its input.
__device__ inline void average(Memory& m) {
    for (int i = threadIdx.x; i < NEURONS * 8 * CT; i += THREADS) {
        const int n = i / (8 * CT), channel = i % (8 * CT);
        float sum = 0;
        EACH(s, S) sum += m.synapse_o[(n * S + s) * OS + channel];
        m.current[n * OS + channel] = sum * (1.0f / S);
    }
}

// The memory of a tile of 16 neurons, for this thread.
__device__ inline Few neurons(Memory& m, int tile) {
    const int row = 16 * tile + tile_row(0), h = row * HS + tile_column();
    return {m.neuron_h + h, m.neuron_c + (KIND == LSTM ? h : 0), m.neuron_o + row * OS + tile_column(), m.scratch + h,
            16 * NEURON_TILES * HS};
}

__device__ inline void prepare(Memory& m, const Lives& all) {
    const int tid = threadIdx.x;
    for (int i = tid; i < (int)(sizeof(Memory) / 4); i += THREADS) ((float*)&m)[i] = 0;
    __syncthreads();
    load(m.synapse, all.synapse, blockIdx.x);
    load(m.neuron, all.neuron, blockIdx.x);
    for (int i = tid; i < E * SYNAPSES; i += THREADS)
        m.source[i] = i / SYNAPSES * (INPUTS + N) + all.connections[i % SYNAPSES];
    for (int i = tid; i < NEURONS; i += THREADS) m.row_of[i / N * (INPUTS + N) + INPUTS + i % N] = SHOWN + i;
    __syncthreads();
    for (int i = tid; i < 3 * 8 * GATES * HT; i += THREADS) {  // rows of an input on channel 0, 1 or 2; dark stays zero
        const int channel = i / (8 * GATES * HT), j = i % (8 * GATES * HT);
        m.pre[(1 + channel) * PS + j] = m.synapse.x[0][j / 8][j % 8 * 8 + channel];
    }
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
lives(const __grid_constant__ MazeRules maze, const __grid_constant__ Lives all) {
    extern __shared__ float4 shared_memory[];
    Memory& m = *(Memory*)shared_memory;
    const int warp = threadIdx.x / 32, p = blockIdx.x;
    prepare(m, all);
    const int seat = (int)threadIdx.x - 32 * (WARPS - 1), e = seat > 0 && seat < E ? seat : 0, b = blockIdx.y * E + e;
    const bool mine = seat == e && b < all.environments;  // each of these threads simulates one maze
    MazeLife& life = m.life[e];
    if (mine) {
        const whole shuffle = 3 * (all.own_shuffles ? (whole)p * all.environments + b : b);
        life.begin(&maze, all.sensor_of + shuffle, all.action_of + shuffle, all.places + b * maze.periods * 2, m.been[e]);
        observe(m, e, noise_from(all, b, 0));
    }
    project(m);

    const int first = 16 * warp, last = first + 15;  // this warp's synapses, of all environments
    const int first_e = first / SYNAPSES, last_e = last / SYNAPSES < E ? last / SYNAPSES : E - 1;
    const auto noise = [&](int e, int k) { return all.noise * __ldg(all.table + m.noise_at[e] + k); };
    const auto synapse_start = [&](auto& sum, int tile) {
        constexpr int W = sizeof(sum) / sizeof(sum[0]);
        EACH(half, 2) {
            const int row = first + tile_row(half), n = row / S < NEURONS ? row / S : NEURONS - 1;
            const float* pre = m.pre + m.row_of[m.source[row]] * PS + 8 * tile + tile_column();
            const float* post = m.post + n * PS + 8 * tile + tile_column();
            EACH(j, W) {
                const float2 x = *(const float2*)(pre + 8 * j), y = *(const float2*)(post + 8 * j);
                sum[j][2 * half] = x.x + y.x, sum[j][2 * half + 1] = x.y + y.y;
            }
        }
    };
    const auto synapse_noise = [&](int r, int c) {
        const int row = first + r < E * SYNAPSES ? first + r : 0;  // rows beyond the last synapse are padding
        return noise(row / SYNAPSES, (N + row % SYNAPSES) * C + c);
    };
    Tile h[HT] = {}, c[HT] = {};

    for (int t = 0; __syncthreads_or(mine && life.alive) && t < maze.steps; t++) {
        bool alive = false;
        for (int each = first_e; each <= last_e; each++) alive = alive || m.life[each].alive;
        if (alive) {
            float* o = m.synapse_o + (first + tile_row(0)) * OS + tile_column();
            advance(m.synapse, h, c, o, synapse_start, synapse_noise, all.gain);
        }
        const int next = t + 1 < maze.steps && mine ? noise_from(all, b, t + 1) : 0;  // early, since global memory is slow
        __syncthreads();
        average(m);
        __syncthreads();
        for (int job = warp; job < NEURON_TILES * HT; job += WARPS) {
            Tile current[CT];
            EACH(k, CT) get(current[k], m.current + (16 * (job / HT) + tile_row(0)) * OS + 8 * k + tile_column(), OS);
            begin(m.neuron, neurons(m, job / HT), job % HT, current);
        }
        __syncthreads();
        for (int job = warp; job < NEURON_TILES * HT; job += WARPS) finish(m.neuron, neurons(m, job / HT), job % HT);
        __syncthreads();
        for (int job = warp; job < NEURON_TILES * CT; job += WARPS) {
            const auto neuron_noise = [&](int r, int c) {
                const int n = 16 * (job / CT) + r < NEURONS ? 16 * (job / CT) + r : 0;
                return noise(n / N, n % N * C + c);
            };
            show(m.neuron, neurons(m, job / CT), job % CT, neuron_noise, all.gain);
        }
        __syncthreads();
        if (mine && life.alive) {
            float outputs[OUTPUTS];
            for (int i = 0; i < OUTPUTS; i++) outputs[i] = m.neuron_o[(e * N + N - OUTPUTS + i) * OS];
            if (all.outputs)
                for (int i = 0; i < OUTPUTS; i++)
                    all.outputs[(((whole)p * all.environments + b) * maze.steps + t) * OUTPUTS + i] = outputs[i];
            MazeLife now = life;  // in registers
            now.step(outputs);
            life = now;
            observe(m, e, next);
        }
        project(m);
    }
    if (mine) {
        const whole i = (whole)p * all.environments + b;
        all.fitness[i] = life.fitness, all.foods[i] = life.foods, all.poisons[i] = life.poisons, all.steps[i] = life.steps;
    }
}
