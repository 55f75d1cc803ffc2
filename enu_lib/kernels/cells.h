// One step of units on an Nvidia GPU: ENU, GRU and LSTM (tiles.h).
//
// Many units: `advance` steps 16 of them in each warp, with their memory in its registers.  Few units: several warps share
// each 16 of them, whose memory is in shared memory; a step is `begin`, `finish` and `show`, with a barrier after each.
//
// Rules have the layout of `packed` in kernels/packing.py, and the constants of `Gates` in kernels/fused.py: gains and biases
// folded in, the memory of an ENU halved.  Hidden values and channels are padded with zeros to whole tiles.
// Compiled with -D: KIND 0 ENU, 1 GRU, 2 LSTM; H hidden; C channels; FED 1 if outputs are fed back; CLIP 1 if they are clipped.

#include "tiles.h"

constexpr int ENU = 0, GRU = 1, LSTM = 2, GATES = KIND == LSTM ? 4 : 3;
constexpr int HT = tiles(H), CT = tiles(C), FT = FED ? CT : 0;  // tiles of memory, of outputs, of outputs fed back
constexpr int HS = stride(HT), OS = stride(CT);                 // of a row of memory, of a row of outputs
constexpr int TOGETHER = HT % 2 ? 1 : 2;                        // tiles of memory computed at a time where registers are few

template <int XT>  // tiles of inputs
struct alignas(16) Rules {
    float x[XT][GATES * HT][WEIGHTS], own[FT + HT][GATES * HT][WEIGHTS], out[HT][CT][WEIGHTS];
    float bias[8 * GATES * HT], late[8 * HT], out_bias[8 * CT];  // late: a GRU's bias that its reset gate multiplies
    static constexpr int size = (XT + FT + HT) * GATES * HT * WEIGHTS + HT * CT * WEIGHTS + 8 * ((GATES + 1) * HT + CT);
};

template <int XT>
__device__ inline void load(Rules<XT>& to, const float* from, int p) {
    static_assert(sizeof(to) == 4 * Rules<XT>::size && Rules<XT>::size % 4 == 0);
    const float4* rules = (const float4*)(from + p * (long long)Rules<XT>::size);
    for (int i = threadIdx.x; i < Rules<XT>::size / 4; i += THREADS) ((float4*)&to)[i] = rules[i];
}

__device__ inline float sigmoid(float x) { return __fdividef(1.0f, 1.0f + __expf(-x)); }
__device__ inline float tanh_(float x) { return 2 * sigmoid(2 * x) - 1; }
__device__ inline float clip(float x) { return x > 1 ? 1.0f : x < 0 ? 0.0f : x; }  // NaN stays NaN

template <int STEP = 1, int W>
__device__ inline void fill(Tile (&sum)[W], const float* row) {  // the same row for all units; sums are STEP tiles apart
    EACH(n, W) {
        const float2 v = *(const float2*)(row + 8 * n * STEP + tile_column());
        sum[n][0] = sum[n][2] = v.x, sum[n][1] = sum[n][3] = v.y;
    }
}

// sum += memory and fed-back outputs times the weights of W tiles of the gates, from the tile `first`.  o: see `advance`.
template <int W, int XT>
__device__ inline void recur(Tile (&sum)[W], const Rules<XT>& w, const Tile (&h)[HT], const float* o, int first) {
    EACH(k, FT) {
        Tile a;
        get(a, o + 8 * k, OS);
        multiply(sum, a, &w.own[k][first]);
    }
    EACH(k, HT) multiply(sum, h[k], &w.own[FT + k][first]);
}

#define VALUES(n) EACH(j, n) EACH(i, 4)

// Updates the memory h of a tile of units, and the cell state c of an LSTM.  start(sum, first): sets the sums of W tiles of the
// gates, from the tile `first`, to bias and inputs.
template <int XT, class Start>
__device__ inline void remember(const Rules<XT>& w, Tile (&h)[HT], Tile (&c)[HT], const float* o, Start start) {
    if constexpr (KIND == ENU) {
        Tile gate[2 * HT], reset[HT];
        start(gate, 0);
        recur(gate, w, h, o, 0);
        VALUES(HT) reset[j][i] = sigmoid(gate[j][i]) * h[j][i], gate[HT + j][i] = sigmoid(gate[HT + j][i]);
        EACH(part, HT / TOGETHER) {
            const int first = part * TOGETHER;
            Tile sum[TOGETHER];
            start(sum, 2 * HT + first);
            recur(sum, w, reset, o, 2 * HT + first);
            VALUES(TOGETHER) {
                float& own = h[first + j][i];
                own += gate[HT + first + j][i] * (sigmoid(sum[j][i]) - 0.5f - own);
            }
        }
    } else if constexpr (KIND == GRU) {
        Tile gate[2 * HT], inner[HT];
        start(gate, 0);
        recur(gate, w, h, o, 0);
        VALUES(2 * HT) gate[j][i] = sigmoid(gate[j][i]);
        fill(inner, w.late);
        recur(inner, w, h, o, 2 * HT);
        EACH(part, HT / TOGETHER) {
            const int first = part * TOGETHER;
            Tile sum[TOGETHER];
            start(sum, 2 * HT + first);
            VALUES(TOGETHER) {
                const float fresh = tanh_(sum[j][i] + gate[first + j][i] * inner[first + j][i]);
                float& own = h[first + j][i];
                own = fresh + gate[HT + first + j][i] * (own - fresh);
            }
        }
    } else {  // input, forget, cell, output
        Tile next[HT];
        EACH(part, HT / TOGETHER) {
            const int first = part * TOGETHER;
            Tile sum[TOGETHER], gate[TOGETHER];
            const auto compute = [&](int which) {
                start(sum, which * HT + first);
                recur(sum, w, h, o, which * HT + first);
            };
            compute(0);
            VALUES(TOGETHER) gate[j][i] = sigmoid(sum[j][i]);
            compute(2);
            VALUES(TOGETHER) gate[j][i] *= tanh_(sum[j][i]);
            compute(1);
            VALUES(TOGETHER) {
                float& cell = c[first + j][i];
                cell = sigmoid(sum[j][i]) * cell + gate[j][i];
            }
            compute(3);
            VALUES(TOGETHER) next[first + j][i] = sigmoid(sum[j][i]) * tanh_(c[first + j][i]);
        }
        VALUES(HT) h[j][i] = next[j][i];  // not earlier, since every gate reads the old memory
    }
}

// The outputs of units, from what they read out of their memory and from noise.
template <int W>
__device__ inline void put_outputs(float* o, const Tile (&sum)[W], const Tile (&noise)[W], float gain) {
    EACH(j, W) {
        Tile y;
        EACH(i, 4) y[i] = gain * (sum[j][i] + noise[j][i]), y[i] = CLIP ? clip(y[i]) : y[i];
        put(o + 8 * j, OS, y);
    }
}

// noise(row, channel): the noise of a unit; called only for channels below C.
template <int W, class Noise>
__device__ inline void get_noise(Tile (&values)[W], int first, Noise noise) {
    VALUES(W) {
        const int channel = 8 * (first + j) + tile_column() + i % 2;
        values[j][i] = channel < C ? noise(tile_row(i / 2), channel) : 0;
    }
}

// One step of a tile of units.  o: outputs in shared memory, at this thread's first row and column.
template <int XT, class Start, class Noise>
__device__ inline void advance(const Rules<XT>& w, Tile (&h)[HT], Tile (&c)[HT], float* o, Start start, Noise noise,
                               float gain) {
    Tile sum[CT], more[CT];
    remember(w, h, c, o, start);
    get_noise(more, 0, noise);
    fill(sum, w.out_bias);
    EACH(k, HT) multiply(sum, h[k], w.out[k]);
    put_outputs(o, sum, more, gain);
}

// Memory of 16 units in shared memory.  Pointers are to this thread's first row and column, like o in `advance`.
struct Few {
    float *h, *c, *o;  // c: cell states of LSTMs
    float* scratch;    // SCRATCH more arrays of the size of h, `apart` floats from one to the next
    int apart;
};
constexpr int SCRATCH = KIND == ENU ? 3 : 1;

// The first half of a step of few units: tile j of all that depends on their old memory.  x: inputs.
template <int XT>
__device__ inline void begin(const Rules<XT>& w, const Few& few, int j, const Tile (&x)[XT]) {
    Tile sum[GATES], late[1], fresh, own, a;
    fill<HT>(sum, w.bias + 8 * j);
    EACH(k, XT) multiply<HT>(sum, x[k], &w.x[k][j]);
    EACH(k, FT) {
        get(a, few.o + 8 * k, OS);
        multiply<HT>(sum, a, &w.own[k][j]);
    }
    if (KIND == GRU) {
        fill(late, w.late + 8 * j);
        EACH(i, 4) fresh[i] = sum[2][i], sum[2][i] = late[0][i];
    }
    EACH(k, HT) {
        get(a, few.h + 8 * k, HS);
        multiply<HT, KIND == ENU ? 2 : GATES>(sum, a, &w.own[FT + k][j]);
    }
    const auto keep = [&](int array, const Tile& values) { put(few.scratch + array * few.apart + 8 * j, HS, values); };
    get(own, few.h + 8 * j, HS);
    if constexpr (KIND == ENU) {
        EACH(i, 4) own[i] *= sigmoid(sum[0][i]), sum[1][i] = sigmoid(sum[1][i]);
        keep(0, own), keep(1, sum[1]), keep(2, sum[2]);
    } else if constexpr (KIND == GRU) {
        EACH(i, 4) {
            const float value = tanh_(fresh[i] + sigmoid(sum[0][i]) * sum[2][i]);
            own[i] = value + sigmoid(sum[1][i]) * (own[i] - value);
        }
        keep(0, own);
    } else {  // input, forget, cell, output
        Tile cell;
        get(cell, few.c + 8 * j, HS);
        EACH(i, 4) {
            cell[i] = sigmoid(sum[1][i]) * cell[i] + sigmoid(sum[0][i]) * tanh_(sum[2][i]);
            own[i] = sigmoid(sum[3][i]) * tanh_(cell[i]);
        }
        put(few.c + 8 * j, HS, cell);
        keep(0, own);
    }
}

// The second half: tile j of the new memory.
template <int XT>
__device__ inline void finish(const Rules<XT>& w, const Few& few, int j) {
    Tile own;
    if constexpr (KIND == ENU) {
        Tile sum[1], gate, a;
        get(sum[0], few.scratch + 2 * few.apart + 8 * j, HS);
        EACH(k, HT) {
            get(a, few.scratch + 8 * k, HS);
            multiply(sum, a, &w.own[FT + k][2 * HT + j]);
        }
        get(gate, few.scratch + few.apart + 8 * j, HS);
        get(own, few.h + 8 * j, HS);
        EACH(i, 4) own[i] += gate[i] * (sigmoid(sum[0][i]) - 0.5f - own[i]);
    } else get(own, few.scratch + 8 * j, HS);
    put(few.h + 8 * j, HS, own);
}

// Tile k of the outputs of few units.
template <int XT, class Noise>
__device__ inline void show(const Rules<XT>& w, const Few& few, int k, Noise noise, float gain) {
    Tile sum[1], more[1], a;
    get_noise(more, k, noise);
    fill(sum, w.out_bias + 8 * k);
    EACH(j, HT) {
        get(a, few.h + 8 * j, HS);
        multiply(sum, a, &w.out[j][k]);
    }
    put_outputs(few.o + 8 * k, sum, more, gain);
}
