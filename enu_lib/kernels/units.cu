// Single units on given inputs on an Nvidia GPU: a block of threads runs one offspring, each warp in 16 environments.
//
// The rules are in shared memory, the units' memory in registers (cells.h); warps do not wait for each other.
// Compiled with -D: those of cells.h, and IN inputs, THREADS per block, SHARED bytes per block, BLOCKS that fit a multiprocessor.

#include "cells.h"

typedef long long whole;  // int64
constexpr int XT = tiles(IN), WARPS = THREADS / 32;

struct Units {  // filled by kernels/cuda.py
    const float *rules, *x;  // (P, ..) in the order of `Rules`; (B, T, IN)
    const float* table;              // noise, readable from any offset
    const whole *offsets, *shifts;  // (T, B), (P, B); shifts may be null
    float* y;                // (P, B, T, C)
    int environments, steps, length;  // B, T; of the table, before it repeats
    float noise, gain;
};

struct Memory {
    Rules<XT> rules;
    alignas(16) float o[16 * WARPS * OS];
};
static_assert(sizeof(Memory) <= SHARED, "kernels/cuda.py counts less shared memory than is needed");

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
units(const __grid_constant__ Units all) {
    extern __shared__ float4 shared_memory[];
    Memory& m = *(Memory*)shared_memory;
    load(m.rules, all.rules, blockIdx.x);
    for (int i = threadIdx.x; i < 16 * WARPS * OS; i += THREADS) m.o[i] = 0;
    __syncthreads();
    const int warp = threadIdx.x / 32, first = 16 * (blockIdx.y * WARPS + warp);
    if (first >= all.environments) return;
    const auto environment = [&](int r) { return first + r < all.environments ? first + r : first; };  // the rest is padding
    const auto input = [&](Tile (&x)[XT], int t) {
        EACH(k, XT) EACH(i, 4) {
            const int column = 8 * k + tile_column() + i % 2;
            x[k][i] = column < IN ? __ldg(all.x + ((whole)environment(tile_row(i / 2)) * all.steps + t) * IN + column) : 0;
        }
    };
    float* o = m.o + (16 * warp + tile_row(0)) * OS + tile_column();
    Tile h[HT] = {}, c[HT] = {}, x[XT], next[XT];
    input(next, 0);
    for (int t = 0; t < all.steps; t++) {
        EACH(k, XT) EACH(i, 4) x[k][i] = next[k][i];
        input(next, t + 1 < all.steps ? t + 1 : t);  // loaded while this step is computed
        const auto start = [&](auto& sum, int tile) {
            fill(sum, m.rules.bias + 8 * tile);
            EACH(k, XT) multiply(sum, x[k], &m.rules.x[k][tile]);
        };
        const auto noise = [&](int r, int channel) {
            const int b = environment(r);
            const whole from = all.offsets[(whole)t * all.environments + b]
                               + (all.shifts ? all.shifts[(whole)blockIdx.x * all.environments + b] : 0);
            return all.noise * __ldg(all.table + (from < all.length ? from : from - all.length) + channel);
        };
        advance(m.rules, h, c, o, start, noise, all.gain);
        EACH(half, 2) if (first + tile_row(half) < all.environments) EACH(i, 2 * CT) {
            const int channel = 8 * (i / 2) + tile_column() + i % 2;
            if (channel < C)
                all.y[(((whole)blockIdx.x * all.environments + first + tile_row(half)) * all.steps + t) * C + channel]
                    = o[8 * half * OS + 8 * (i / 2) + i % 2];
        }
    }
}
