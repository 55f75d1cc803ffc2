// Single units on given inputs, on the CPU, and how their outputs are scored.

#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "offspring.h"
#include "steps.h"

// How the outputs of a single unit are scored, as in tasks/stdp.py and tasks/iaf.py.
struct Scoring {  // filled by kernels/scoring.py
    const float* target;   // (B, T) the target output; or null:
    const int32_t* since;  // (B, T) steps since the target's last spike
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
