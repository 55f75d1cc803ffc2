// The rules of one offspring's cell, as the CPU kernel reads them.

#pragma once

#include <cstdint>
#include <vector>

#include "vectors.h"

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
