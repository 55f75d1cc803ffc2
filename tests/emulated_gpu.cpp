// life.cu on a CPU: one CPU thread for each thread of a block; blocks run one after another.  Slow, but the same source.

#include <atomic>
#include <barrier>
#include <cmath>
#include <thread>
#include <vector>

struct alignas(16) float4 { float x, y, z, w; };
struct Index { int x, y; };
static thread_local Index threadIdx;
static Index blockIdx;
static std::barrier<>* everybody;
static std::atomic<int> somebody;

extern "C" int without = 0;  // line of the barrier to remove, to test whether it is needed
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

#define __CUDACC__
#define __expf(x) std::exp(x)
#define __fdividef(x, y) ((x) / (y))
#define __global__
#define __device__
#define __shared__
#define __grid_constant__
#define __launch_bounds__(threads, blocks)
#define __ldg(x) (*(x))
#include "life.cu"

alignas(16) float4 shared_memory[SHARED / 16 + 1];

extern "C" bool launch(const MazeRules* maze, const Lives* all, int x, int y) {
    shared_memory[SHARED / 16].x = 42;  // written over by whoever writes beyond the end
    for (int i = 0; i < x * y; i++) {
        blockIdx = {i % x, i / x};
        std::barrier<> barrier(THREADS);
        everybody = &barrier;
        std::vector<std::thread> threads;
        for (int t = 0; t < THREADS; t++)
            threads.emplace_back([=] {
                threadIdx = {t, 0};
                lives(*maze, *all);
            });
        for (auto& thread : threads) thread.join();
    }
    return shared_memory[SHARED / 16].x == 42;
}
