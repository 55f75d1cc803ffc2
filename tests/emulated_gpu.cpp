// life.cu and units.cu on a CPU: one CPU thread for each thread of a block; blocks run one after another.  Slow, but the same
// source, except for one instruction: a product of tensor cores, which is computed here as Nvidia's manual defines it.

#include <atomic>
#include <barrier>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) float2 { float x, y; };
struct Index { int x, y; };
static thread_local Index threadIdx;
static Index blockIdx;
static std::barrier<>* everybody;
static std::atomic<int> somebody;

extern "C" {
int without = 0;  // line of the barrier to remove, to test whether it is needed
}
static void meet(int line) {
    if (line != without) everybody->arrive_and_wait();
}
#define __syncthreads() meet(__LINE__)
static int __syncthreads_or(int mine) {
    if (mine) somebody = 1;
    everybody->arrive_and_wait();
    const int found = somebody;
    everybody->arrive_and_wait();
    somebody = 0;  // safe: the next call comes after a barrier that this thread must reach too
    return found;
}

#define EMULATED
#define __CUDACC__
#define __expf(x) std::exp(x)
#define __fdividef(x, y) ((x) / (y))
#define __float_as_uint(x) std::bit_cast<unsigned>(x)
#define __uint_as_float(x) std::bit_cast<float>(x)
#define __global__
#define __device__
#define __shared__
#define __grid_constant__
#define __launch_bounds__(threads, blocks)
#define __ldg(x) (*(x))
#ifdef IN
#include "units.cu"
static void run(const void* const* given) { units(*(const Units*)given[0]); }
#else
#include "life.cu"
static void run(const void* const* given) { lives(*(const MazeRules*)given[0], *(const Lives*)given[1]); }
#endif

alignas(16) float4 shared_memory[SHARED / 16 + 1];

// Products that a warp has asked for: its threads ask for the same ones, each with its own part of the factors and of the sum.
struct Asked {
    float* sum;
    float a[4], b[2];
};
struct Warp {
    std::barrier<> barrier{32};
    std::vector<Asked> asked[32];
};
static std::vector<std::unique_ptr<Warp>> warps;

static float tf32(unsigned bits) { return std::bit_cast<float>(bits & ~0x1fffu); }  // the hardware ignores the last 13 bits

void product(Tile& sum, unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
    warps[threadIdx.x / 32]->asked[threadIdx.x % 32].push_back(
        {sum, {tf32(a0), tf32(a1), tf32(a2), tf32(a3)}, {tf32(b0), tf32(b1)}});
}

// mma.m16n8k8 with TF32: thread 4 g + t has a(g, t), a(g + 8, t), a(g, t + 4), a(g + 8, t + 4), b(t, g), b(t + 4, g), and the
// sums (g, 2 t), (g, 2 t + 1), (g + 8, 2 t), (g + 8, 2 t + 1).
void complete() {
    Warp& warp = *warps[threadIdx.x / 32];
    std::vector<Asked>& mine = warp.asked[threadIdx.x % 32];
    warp.barrier.arrive_and_wait();
    const int g = threadIdx.x % 32 / 4, t = threadIdx.x % 4;
    for (size_t n = 0; n < mine.size(); n++)
        for (int i = 0; i < 4; i++)
            for (int k = 0; k < 8; k++) {
                const Asked &left = warp.asked[4 * g + k % 4][n], &right = warp.asked[4 * (2 * t + i % 2) + k % 4][n];
                mine[n].sum[i] += left.a[i / 2 + k / 4 * 2] * right.b[k / 4];
            }
    warp.barrier.arrive_and_wait();
    mine.clear();
}

extern "C" bool launch(const void* const* arguments, int x, int y) {
    shared_memory[SHARED / 16].x = 42;  // written over by whoever writes beyond the end
    warps.clear();
    for (int i = 0; i < THREADS / 32; i++) warps.push_back(std::make_unique<Warp>());
    for (int i = 0; i < x * y; i++) {
        blockIdx = {i % x, i / x};
        std::barrier<> barrier(THREADS);
        everybody = &barrier;
        std::vector<std::thread> threads;
        for (int t = 0; t < THREADS; t++)
            threads.emplace_back([=] {
                threadIdx = {t, 0};
                run(arguments);
            });
        for (auto& thread : threads) thread.join();
    }
    return shared_memory[SHARED / 16].x == 42;
}
