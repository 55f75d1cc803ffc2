// One step of units on an Nvidia GPU: ENU, GRU and LSTM, 16 M units a warp, with their memory in its registers (tiles.h).
//
// Rules have the layout of `packed` in kernels/cuda.py, and the constants of `Gates` in kernels/fused.py: gains and biases
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

template <int M, int W>
__device__ inline void fill(Tile (&sum)[M][W], const float* row) {  // the same row for all units
    EACH(n, W) {
        const float2 v = *(const float2*)(row + 8 * n + tile_column());
        EACH(m, M) sum[m][n][0] = sum[m][n][2] = v.x, sum[m][n][1] = sum[m][n][3] = v.y;
    }
}

// sum += memory and fed-back outputs times the weights of W tiles of the gates, from the tile `first`.  o: see `advance`.
template <int M, int W, int XT>
__device__ inline void recur(Tile (&sum)[M][W], const Rules<XT>& w, const Tile (&h)[M][HT], const float* o, int first) {
    Tile a[M];
    EACH(k, FT) {
        EACH(m, M) get(a[m], o + 16 * m * OS + 8 * k, OS);
        multiply(sum, a, &w.own[k][first]);
    }
    EACH(k, HT) {
        EACH(m, M) EACH(i, 4) a[m][i] = h[m][k][i];
        multiply(sum, a, &w.own[FT + k][first]);
    }
}

#define VALUES(n) EACH(m, M) EACH(j, n) EACH(i, 4)

// Updates the memory h of M tiles of units, and the cell state c of an LSTM.  start(sum, first): sets the sums of W tiles of the
// gates, from the tile `first`, to bias and inputs.
template <int M, int XT, class Start>
__device__ inline void remember(const Rules<XT>& w, Tile (&h)[M][HT], Tile (&c)[M][HT], const float* o, Start start) {
    if constexpr (KIND == ENU) {
        Tile gate[M][2 * HT], reset[M][HT];
        start(gate, 0);
        recur(gate, w, h, o, 0);
        VALUES(HT) reset[m][j][i] = sigmoid(gate[m][j][i]) * h[m][j][i], gate[m][HT + j][i] = sigmoid(gate[m][HT + j][i]);
        EACH(part, HT / TOGETHER) {
            const int first = part * TOGETHER;
            Tile sum[M][TOGETHER];
            start(sum, 2 * HT + first);
            recur(sum, w, reset, o, 2 * HT + first);
            VALUES(TOGETHER) {
                float& own = h[m][first + j][i];
                own += gate[m][HT + first + j][i] * (sigmoid(sum[m][j][i]) - 0.5f - own);
            }
        }
    } else if constexpr (KIND == GRU) {
        Tile gate[M][2 * HT], inner[M][HT];
        start(gate, 0);
        recur(gate, w, h, o, 0);
        VALUES(2 * HT) gate[m][j][i] = sigmoid(gate[m][j][i]);
        fill(inner, w.late);
        recur(inner, w, h, o, 2 * HT);
        EACH(part, HT / TOGETHER) {
            const int first = part * TOGETHER;
            Tile sum[M][TOGETHER];
            start(sum, 2 * HT + first);
            VALUES(TOGETHER) {
                const float fresh = tanh_(sum[m][j][i] + gate[m][first + j][i] * inner[m][first + j][i]);
                float& own = h[m][first + j][i];
                own = fresh + gate[m][HT + first + j][i] * (own - fresh);
            }
        }
    } else {  // input, forget, cell, output
        Tile next[M][HT];
        EACH(part, HT / TOGETHER) {
            const int first = part * TOGETHER;
            Tile sum[M][TOGETHER], gate[M][TOGETHER];
            const auto compute = [&](int which) {
                start(sum, which * HT + first);
                recur(sum, w, h, o, which * HT + first);
            };
            compute(0);
            VALUES(TOGETHER) gate[m][j][i] = sigmoid(sum[m][j][i]);
            compute(2);
            VALUES(TOGETHER) gate[m][j][i] *= tanh_(sum[m][j][i]);
            compute(1);
            VALUES(TOGETHER) {
                float& cell = c[m][first + j][i];
                cell = sigmoid(sum[m][j][i]) * cell + gate[m][j][i];
            }
            compute(3);
            VALUES(TOGETHER) next[m][first + j][i] = sigmoid(sum[m][j][i]) * tanh_(c[m][first + j][i]);
        }
        VALUES(HT) h[m][j][i] = next[m][j][i];  // not earlier, since every gate reads the old memory
    }
}

// One step of M tiles of units.  o: outputs in shared memory, at this thread's first row and column.  noise(row, channel): the
// noise of a unit, with rows counted from the first tile; called only for channels below C.
template <int M, int XT, class Start, class Noise>
__device__ inline void advance(const Rules<XT>& w, Tile (&h)[M][HT], Tile (&c)[M][HT], float* o, Start start, Noise noise,
                               float gain) {
    remember(w, h, c, o, start);
    Tile sum[M][CT], more[M][CT];
    VALUES(CT) {
        const int channel = 8 * j + tile_column() + i % 2;
        more[m][j][i] = channel < C ? noise(16 * m + tile_row(i / 2), channel) : 0;
    }
    fill(sum, w.out_bias);
    EACH(k, HT) {
        Tile a[M];
        EACH(m, M) EACH(i, 4) a[m][i] = h[m][k][i];
        multiply(sum, a, w.out[k]);
    }
    VALUES(CT) {
        const float y = gain * (sum[m][j][i] + more[m][j][i]);
        sum[m][j][i] = CLIP ? clip(y) : y;
    }
    EACH(m, M) EACH(j, CT) put(o + 16 * m * OS + 8 * j, OS, sum[m][j]);
}
