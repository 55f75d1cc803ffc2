// Matrix products of a warp on an Nvidia GPU's tensor cores, nearly in the precision of float32.
//
// A tile of values is 16 rows by 8 columns, four values in each of the warp's 32 threads; a tile of weights is 8 by 8.  Tensor
// cores multiply TF32 numbers, which have 11 significant bits, and add in float32.  So each float is split into two of these,
// x = high + low, and a product becomes low high + high low + high high; what is lost is below 2^-21 of it.
//
// Thread 4 g + t has columns 2 t and 2 t + 1 of rows g and g + 8, in factors and in sums alike: the hardware wants columns t
// and t + 4 of a factor, but a product may sum over its columns in any order if the weights have the same order.  So sums
// become factors without leaving their registers.

#define EACH(i, n) _Pragma("unroll") for (int i = 0; i < (n); i++)

typedef float Tile[4];          // (row g, column 2 t), (g, 2 t + 1), (g + 8, 2 t), (g + 8, 2 t + 1)
constexpr int WEIGHTS = 8 * 8;  // floats in a tile of weights: eight rows for each column in turn

__device__ inline int lane() { return threadIdx.x % 32; }
__device__ inline int tile_row(int half) { return lane() / 4 + 8 * half; }
__device__ inline int tile_column() { return lane() % 4 * 2; }

constexpr int tiles(int n) { return (n + 7) / 8; }
// Floats from one row to the next in shared memory: an odd number of tiles, so that rows are in different banks.
constexpr int stride(int tiles) { return 8 * (tiles | 1); }

__device__ inline void get(Tile& to, const float* at, int stride) {  // `at`: this thread's first row and column
    EACH(half, 2) {
        const float2 v = *(const float2*)(at + half * 8 * stride);
        to[2 * half] = v.x, to[2 * half + 1] = v.y;
    }
}
__device__ inline void put(float* at, int stride, const Tile& from) {
    EACH(half, 2) *(float2*)(at + half * 8 * stride) = float2{from[2 * half], from[2 * half + 1]};
}

struct Split {
    unsigned high, low;
};
__device__ inline Split split(float x) {  // the hardware ignores the 13 lowest bits
    const unsigned high = (__float_as_uint(x) + 0x1000) & ~0x1fffu;
    return {high, __float_as_uint(x - __uint_as_float(high))};
}

#ifdef EMULATED  // in tests/emulated_gpu.cpp, where a warp's threads meet in `complete` to multiply
void product(Tile& sum, unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1);
void complete();
#else
__device__ inline void product(Tile& sum, unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
    asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
__device__ inline void complete() {}
#endif

// sum[n] += a b[n], for the first USED n; b: this thread's two weights of each tile.  Several sums at a time hide the latency
// of each; where there is only one, the small parts have a sum of their own.
template <int USED, int W>
__device__ inline void products(Tile (&sum)[W], const Tile& a, const float2 (&b)[USED]) {
    constexpr bool APART = USED == 1;
    Split x[4];
    Tile small[1] = {};
    EACH(i, 4) x[i] = split(a[i]);
    EACH(pair, (USED + 1) / 2) {
        Split v[2][2];
        EACH(i, 2) if (2 * pair + i < USED) v[i][0] = split(b[2 * pair + i].x), v[i][1] = split(b[2 * pair + i].y);
#define PRODUCTS(SUM, A, B)                                                                                                \
    EACH(i, 2) if (2 * pair + i < USED)                                                                                    \
        product(SUM[2 * pair + i], x[0].A, x[2].A, x[1].A, x[3].A, v[i][0].B, v[i][1].B);
        if constexpr (APART) {
            PRODUCTS(small, low, high)
            PRODUCTS(small, high, low)
        } else {
            PRODUCTS(sum, low, high)
            PRODUCTS(sum, high, low)
        }
        PRODUCTS(sum, high, high)
#undef PRODUCTS
    }
    complete();
    if constexpr (APART) EACH(i, 4) sum[0][i] += small[0][i];
}

// sum[n] += a times the n-th of W tiles of weights, STEP tiles apart; FIRST: if not 0, only for the first so many n.
template <int STEP = 1, int FIRST = 0, int W>
__device__ inline void multiply(Tile (&sum)[W], const Tile& a, const float (*weights)[WEIGHTS]) {
    constexpr int USED = FIRST ? FIRST : W;
    float2 b[USED];
    EACH(n, USED) b[n] = ((const float2*)weights[n * STEP])[lane()];
    products(sum, a, b);
}
