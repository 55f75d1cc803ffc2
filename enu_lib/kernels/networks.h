// One agent's network on the CPU: its rules, its memory, and its step.

#pragma once

#include <algorithm>
#include <vector>

#include "offspring.h"
#include "steps.h"

struct Net {  // filled by kernels/cpu.py
    Cell neuron, synapse;
    int32_t shared, inputs, neurons, synapses, outputs;
    const int32_t* table;  // (neurons, synapses) presynaptic neuron
};

// Working memory of one agent's network.
struct Agent {
    const Net& net;
    const int N, S, C, CP, G, row;
    Buffer neuron_h, neuron_c, neuron_o, synapse_h, synapse_c, synapse_o, current, zero, pre, post;
    std::vector<const float*> source, a, b, bias;

    explicit Agent(const Net& n)
        : net(n), N(n.neurons), S(n.synapses), C(n.neuron.n_out), CP(n.neuron.out_stride()), G(n.synapse.gates()),
          row(G * HP), neuron_h(N * HP), neuron_c(N * HP), neuron_o(N * CP),
          synapse_h(N * S * HP), synapse_c(N * S * HP), synapse_o(N * S * CP), current(N * CP), zero(row),
          pre((n.inputs + N) * row), post(N * row), source(n.inputs + N), a(N * S), b(N * S), bias(N) {
        for (int i = 0; i < n.inputs; i++) source[i] = zero.p;
        for (int i = 0; i < N; i++) source[n.inputs + i] = pre.p + (n.inputs + i) * row;
    }

    void clear() {
        for (Buffer* x : {&neuron_h, &neuron_c, &neuron_o, &synapse_h, &synapse_c, &synapse_o})
            std::fill(x->memory.begin(), x->memory.end(), 0.0f);
    }

    // One step.  source[0 .. inputs) point to the projected inputs.  noise: of neurons, then of synapses; or null.
    void step(const Rules& neuron, const Rules& synapse, const float* noise) {
        // A synapse's input is the sum of two gathered rows, so each source is projected once rather than per synapse.
        project(G, N, neuron_o.p, CP, C, synapse.x, nullptr, pre.p + net.inputs * row);
        project(G, N, neuron_o.p, CP, C, synapse.x + C * row, synapse.bias, post.p);
        for (int i = 0; i < N; i++)
            for (int s = 0; s < S; s++) {
                a[i * S + s] = source[net.table[i * S + s]];
                b[i * S + s] = post.p + i * row;
            }
        step_all(synapse, N * S, a.data(), b.data(), synapse_h.p, 0, 0, synapse_h.p, synapse_c.p, synapse_o.p,
                 noise ? noise + N * C : nullptr, C);
        const float share = 1.0f / S;
        for (int i = 0; i < N; i++)
            for (int c = 0; c < CP; c += L) {
                vec sum = {};
                for (int s = 0; s < S; s++) sum += load(synapse_o.p + (i * S + s) * CP + c);
                store(current.p + i * CP + c, sum * share);
            }
        for (int i = 0; i < N; i++) bias[i] = neuron.bias;
        step_all(neuron, N, bias.data(), nullptr, current.p, CP, C, neuron_h.p, neuron_c.p, neuron_o.p,
                 noise, C);
    }

    float output(int i) const { return neuron_o.p[(N - net.outputs + i) * CP]; }
};

// Rules of an offspring's neuron and synapse (the same object for both if shared).
struct Pair {
    Rules neuron, synapse;
    const Net& net;
    explicit Pair(const Net& n) : neuron(n.neuron), synapse(n.synapse), net(n) {}
    static int64_t params(const Net& n) { return n.synapse.params() + (n.shared ? 0 : n.neuron.params()); }
    void set(const float* genome) {
        if (!net.shared) neuron.set(genome), genome += net.neuron.params();
        synapse.set(genome);
    }
    const Rules& first() const { return net.shared ? synapse : neuron; }
};
