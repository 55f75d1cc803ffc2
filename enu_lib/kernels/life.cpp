// Whole episodes on the CPU: single units on given inputs, networks step by step, networks in a maze.
//
// An offspring's data stay in the core's cache for its whole episode.  Offspring are independent and are distributed over
// threads; results do not depend on the number of threads.
//
// Compiled with -DHP=n: hidden units rounded up to whole blocks of 16.

#include <cstring>
#include <vector>

#include "maze.h"
#include "networks.h"
#include "singles.h"

extern "C" {

// y (P, B, T, C) for x (B, T, n_in).  Here and below, noise may be null.
int unit_outputs(const Cell* cell, int64_t P, int64_t B, int64_t T, const float* genomes, const float* x, const Noise* noise,
                 float* y, int threads) {
    return units(cell, P, B, T, Population{genomes}, x, noise, nullptr, y, threads);
}

// The fitness of every step (P, B, T) of units with one output.
int unit_scores(const Cell* cell, int64_t P, int64_t B, int64_t T, const Population* population, const float* x,
                const Noise* noise, const Scoring* scoring, float* y, int threads) {
    return units(cell, P, B, T, *population, x, noise, scoring, y, threads);
}

// Floats of memory per network: every unit's memory and output, packed.
int64_t network_memory(const Net* net) {
    const int64_t N = net->neurons, M = N * net->synapses, lstm = net->neuron.kind == LSTM ? 2 : 1;
    return (N + M) * (lstm * HP + net->neuron.out_stride());
}

// One step of all networks, with memory (P, B, network_memory).  Noise begins at table + offsets (P, B); none if table is null.
int network_step(const Net* net, int64_t P, int64_t B, const float* genomes, const float* x, int64_t channels,
                 int64_t x_population, float* memory, const float* table, const int64_t* offsets, float* y, int threads) {
    const int64_t size = network_memory(net), D = Pair::params(*net), I = net->inputs, N = net->neurons;
    return share_out(P, threads, [&](std::atomic<int64_t>& next) {
        Pair rules(*net);
        Agent agent(*net);
        for (int i = 0; i < I; i++) agent.source[i] = agent.pre.p + i * agent.row;
        for (int64_t p; (p = next++) < P;) {
            rules.set(genomes + p * D);
            for (int64_t b = 0; b < B; b++) {
                float* m = memory + (p * B + b) * size;
                struct Part { Buffer& buffer; int64_t n; };
                const int64_t M = N * net->synapses, CP = agent.CP;
                std::vector<Part> parts = {{agent.neuron_h, N * HP}, {agent.neuron_o, N * CP},
                                           {agent.synapse_h, M * HP}, {agent.synapse_o, M * CP}};
                if (net->neuron.kind == LSTM)
                    parts.push_back({agent.neuron_c, N * HP}), parts.push_back({agent.synapse_c, M * HP});
                for (auto& part : parts) memcpy(part.buffer.p, m, part.n * sizeof(float)), m += part.n;
                const float* xb = x + ((x_population > 1 ? p * B : 0) + b) * I * channels;
                project(agent.G, (int)I, xb, (int)channels, (int)channels, rules.synapse.x, nullptr, agent.pre.p);
                agent.step(rules.first(), rules.synapse, table ? table + offsets[p * B + b] : nullptr);
                m = memory + (p * B + b) * size;
                for (auto& part : parts) memcpy(m, part.buffer.p, part.n * sizeof(float)), m += part.n;
                for (int i = 0; i < net->outputs; i++) y[(p * B + b) * net->outputs + i] = agent.output(i);
            }
        }
    });
}

// Whole episodes in a maze as defined by tasks/maze.py.  An episode is not stepped further after it has ended.
// sensor_of, action_of (B, 3), or (P, B, 3) with own_shuffles; places (B, periods, 2) squares of food and poison; y (P, B, T, 3)
// may be null.
int maze_episodes(const Net* net, const MazeRules* maze, int64_t P, int64_t B, const Population* population, const Noise* noise,
               const whole* sensor_of, const whole* action_of, const whole* places, int own_shuffles, float* fitness,
               int32_t* foods, int32_t* poisons, int32_t* alive_steps, float* y, int threads) {
    const int64_t D = Pair::params(*net), T = maze->steps;
    const Noise drawn = noise ? *noise : Noise{};
    return share_out(P, threads, [&](std::atomic<int64_t>& next) {
        Pair rules(*net);
        Agent agent(*net);
        std::vector<unsigned> been(MazeLife::words(*maze));
        Buffer genome(D + PAD);
        for (int64_t p; (p = next++) < P;) {
            rules.set(population->row(p, D, genome.p));
            const float* shown[] = {agent.zero.p, rules.synapse.x, rules.synapse.x + agent.row, rules.synapse.x + 2 * agent.row};
            for (int64_t b = 0; b < B; b++) {
                const int64_t i = p * B + b, shuffle = (own_shuffles ? i : b) * 3;
                agent.clear();
                MazeLife life;
                life.begin(maze, sensor_of + shuffle, action_of + shuffle, places + b * maze->periods * 2, been.data());
                while (life.alive && life.steps < T) {
                    const int64_t t = life.steps;
                    int shows[4];
                    life.observe(shows);
                    for (int k = 0; k < 4; k++) agent.source[k] = shown[shows[k] - DARK];
                    agent.step(rules.first(), rules.synapse, drawn.at(t, p, b, B));
                    const float outputs[3] = {agent.output(0), agent.output(1), agent.output(2)};
                    if (y) copy(y + (i * T + t) * 3, outputs, 3);
                    life.step(outputs);
                }
                fitness[i] = life.fitness, foods[i] = life.foods, poisons[i] = life.poisons, alive_steps[i] = life.steps;
            }
        }
    });
}

// The same for single units with the interface of a maze: 12 inputs, 3 channels of each input neuron, and 3 outputs.  Several
// episodes of an offspring are stepped together, until all of them have ended.
int unit_maze_episodes(const Cell* cell, const MazeRules* maze, int64_t P, int64_t B, const Population* population,
                    const Noise* noise, const whole* sensor_of, const whole* action_of, const whole* places, int own_shuffles,
                    float* fitness, int32_t* foods, int32_t* poisons, int32_t* alive_steps, float* y, int threads) {
    constexpr int INPUTS = 4, CHANNELS = 3, OUTPUTS = 3, SHOWN = INPUTS * CHANNELS;
    const int64_t D = cell->params(), T = maze->steps;
    const int words = MazeLife::words(*maze);
    const Noise drawn = noise ? *noise : Noise{};
    return share_out(P, threads, [&](std::atomic<int64_t>& next) {
        Rules w(*cell);
        Buffer h(ROWS * HP), c(ROWS * HP), o(ROWS * w.CP), x(ROWS * SHOWN), noises(ROWS * OUTPUTS + PAD), genome(D + PAD);
        std::vector<const float*> bias(ROWS, w.bias);
        std::vector<unsigned> been(ROWS * words);
        MazeLife lives[ROWS];
        for (int64_t p; (p = next++) < P;) {
            w.set(population->row(p, D, genome.p));
            for (int64_t b0 = 0; b0 < B; b0 += ROWS) {
                const int R = (int)std::min<int64_t>(ROWS, B - b0);
                for (Buffer* m : {&h, &c, &o}) std::fill(m->memory.begin(), m->memory.end(), 0.0f);
                for (int r = 0; r < R; r++) {
                    const int64_t b = b0 + r, shuffle = (own_shuffles ? p * B + b : b) * 3;
                    lives[r].begin(maze, sensor_of + shuffle, action_of + shuffle, places + b * maze->periods * 2,
                                   been.data() + r * words);
                }
                for (int64_t t = 0; t < T; t++) {
                    std::fill(x.memory.begin(), x.memory.end(), 0.0f);
                    bool alive = false;
                    for (int r = 0; r < R; r++) {
                        int shows[INPUTS];
                        lives[r].observe(shows);
                        for (int i = 0; i < INPUTS; i++)
                            if (shows[i] != DARK) x.p[(r * INPUTS + i) * CHANNELS + shows[i]] = 1;
                        if (drawn.table) copy(noises.p + r * OUTPUTS, drawn.at(t, p, b0 + r, B), OUTPUTS);
                        alive = alive || lives[r].alive;
                    }
                    if (!alive) break;
                    step_all(w, R, bias.data(), nullptr, x.p, SHOWN, SHOWN, h.p, c.p, o.p, drawn.table ? noises.p : nullptr,
                             OUTPUTS);
                    for (int r = 0; r < R; r++) {
                        if (!lives[r].alive) continue;
                        float outputs[OUTPUTS];
                        copy(outputs, o.p + r * w.CP, OUTPUTS);
                        if (y) copy(y + ((p * B + b0 + r) * T + t) * OUTPUTS, outputs, OUTPUTS);
                        lives[r].step(outputs);
                    }
                }
                for (int r = 0; r < R; r++) {
                    const int64_t i = p * B + b0 + r;
                    fitness[i] = lives[r].fitness, foods[i] = lives[r].foods, poisons[i] = lives[r].poisons;
                    alive_steps[i] = lives[r].steps;
                }
            }
        }
    });
}

}  // extern "C"
