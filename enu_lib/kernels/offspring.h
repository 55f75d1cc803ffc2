// The offspring of a generation on the CPU: genomes, noise, working memory, and how threads share them out.

#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <exception>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "vectors.h"

struct Buffer {  // aligned floats, initially zero
    std::vector<float> memory;
    float* p;
    explicit Buffer(size_t n) : memory(n + PAD) { p = (float*)(((uintptr_t)memory.data() + 63) & ~(uintptr_t)63); }
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
