// The step of evolvable neural units, alone or in a network (enu_lib/cells/enu.py and enu_lib/network.py).
//
// Memories and outputs are float32, as in the library.  Sums, gates and candidates are float64, so that a unit's step differs
// from exact arithmetic by the rounding of its memory and output only.
(function (scope) {
  "use strict";
  const live = (scope.enuLive = scope.enuLive || {});
  if (live.network) return;

  const sigmoid = (a) => 1 / (1 + Math.exp(-a));
  const clip = (a) => Math.min(1, Math.max(0, a));

  // Units that share the genome which begins at `from`; rows of the weights are x, o, h, 1.
  // n: n_in, n_out, hidden, feedback, gain.
  function cell(genome, n, from = 0) {
    const C = n.n_out, H = n.hidden, fed = n.feedback ? C : 0, first = n.n_in + fed, K = first + H + 1;
    const cellAt = from + K * 2 * H, outAt = cellAt + K * H;
    const row = new Float64Array(K), gates = new Float64Array(2 * H), candidates = new Float64Array(H);

    // The states of `units` units before their first step: memory h (units, H) and output o (units, C).
    function reset(units) {
      return { h: new Float32Array(units * H), o: new Float32Array(units * C) };
    }

    function times(weightsAt, columns, sums) {
      sums.fill(0);
      for (let i = 0, w = weightsAt; i < K; i++) {
        const value = row[i];
        for (let j = 0; j < columns; j++, w++) sums[j] += value * genome[w];
      }
    }

    // The step of unit number `unit` for inputs x (n_in); noise: standard normals, of which the unit's begin at `noiseAt`.
    function step(state, unit, x, noise = null, sd = 0, noiseAt = 0) {
      const h = state.h, o = state.o, memory = unit * H, output = unit * C;
      for (let i = 0; i < n.n_in; i++) row[i] = x[i];
      for (let i = 0; i < fed; i++) row[n.n_in + i] = o[output + i];
      for (let j = 0; j < H; j++) row[first + j] = h[memory + j];
      row[K - 1] = 1;
      times(from, 2 * H, gates);
      for (let j = 0; j < H; j++) row[first + j] = sigmoid(3 * (gates[j] - 1)) * h[memory + j];
      times(cellAt, H, candidates);
      for (let j = 0; j < H; j++) {
        const z = sigmoid(3 * gates[H + j]);
        h[memory + j] = (1 - z) * h[memory + j] + z * Math.tanh(3 * candidates[j]);
      }
      for (let k = 0; k < C; k++) {
        let sum = genome[outAt + H * C + k];
        for (let j = 0; j < H; j++) sum += h[memory + j] * genome[outAt + j * C + k];
        if (noise) sum += sd * noise[noiseAt + k];
        o[output + k] = clip(n.gain * sum);
      }
    }

    return { reset, step, size: K * 3 * H + (H + 1) * C };
  }

  // A network of such units.  n: connections (N, S), n_inputs, n_outputs, channels, hidden, feedback, gain, shared, noise.
  function network(genome, n) {
    const C = n.channels, N = n.connections.length, S = n.connections[0].length;
    const kind = { n_out: C, hidden: n.hidden, feedback: n.feedback, gain: n.gain };
    const neuron = cell(genome, { ...kind, n_in: n.shared ? 2 * C : C });
    const synapse = n.shared ? neuron : cell(genome, { ...kind, n_in: 2 * C }, neuron.size);
    const pair = new Float64Array(2 * C), current = new Float64Array(2 * C);

    function reset() {
      return { neuron: neuron.reset(N), synapse: synapse.reset(N * S), output: new Float32Array(N * C) };
    }

    // One step of all units: synapses first, on the last outputs of their two neurons.  x (n_inputs, C): the input neurons.
    // noise: standard normals of s.d. 1, neurons first, which are scaled by `sd`.
    function step(state, x, noise = null, sd = n.noise) {
      for (let i = 0; i < N; i++) {
        for (let k = 0; k < S; k++) {
          const source = n.connections[i][k], unit = i * S + k;
          for (let c = 0; c < C; c++) {
            pair[c] = source < n.n_inputs ? x[source * C + c] : state.output[(source - n.n_inputs) * C + c];
            pair[C + c] = state.output[i * C + c];
          }
          synapse.step(state.synapse, unit, pair, noise, sd, (N + unit) * C);
        }
      }
      for (let i = 0; i < N; i++) {
        for (let c = 0; c < C; c++) {
          let sum = 0;
          for (let k = 0; k < S; k++) sum += state.synapse.o[(i * S + k) * C + c];
          current[c] = sum / S;
        }
        neuron.step(state.neuron, i, current, noise, sd, i * C);
      }
      state.output.set(state.neuron.o);
    }

    // The first channel of every neuron (N); that of the last n_outputs is the network's output.
    const outputs = (state) => Float32Array.from({ length: N }, (_, i) => state.neuron.o[i * C]);

    // What the neuron numbered `i` last put out is not transmitted (enu_lib/analysis/interventions.py, silence).
    const silence = (state, i) => void state.output.fill(0, i * C, (i + 1) * C);

    return { neurons: N, synapses: S, channels: C, noises: N * (1 + S) * C, reset, step, outputs, silence };
  }

  live.cell = cell;
  live.network = network;
})(globalThis);
