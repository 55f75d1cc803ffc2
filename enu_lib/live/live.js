// Makes the pictures of enu_lib.live interactive; enu_lib/live/page.py includes it after units.js, and calls `start`.
(function (scope) {
  "use strict";
  const live = (scope.enuLive = scope.enuLive || {});
  if (live.start) return;

  // ---- the task's rule (enu_lib/tasks/stdp.py, weight_change) and its measure (enu_lib/analysis/units.py, relative_change)
  function weightChange(rule, d, m, tau) {
    const decay = Math.exp(-Math.abs(d) / tau);
    if (rule === "neuromodulated") return 0.5 * Math.sign(d) * decay * m;
    return m > 0 ? 0.5 * decay : 0.5 * Math.cos(Math.PI * d / tau) ** 2 * Math.exp(-((d / (2 * tau)) ** 2));
  }

  function synapse(data, pre, post, m) {
    const unit = live.cell(data.genome, data), state = unit.reset(1);
    const later = Math.max(pre, post), earlier = Math.min(pre, post);
    const goal = weightChange(data.rule, post - pre, m, data.tau), y = [], target = [];
    const before = [0, 0], after = [0, 0];
    for (let t = 0; t < data.x.length; t++) {
      unit.step(state, 0, [data.x[t], +(t === pre), +(t === post), m]);
      y.push(state.o[0]);
      target.push(data.x[t] * (t > later ? 1 + goal : 1));
      const part = t >= 5 && t < earlier ? before : t > later + 1 ? after : null;
      if (part) { part[0] += y[t]; part[1] += data.x[t]; }
    }
    const change = 100 * (after[0] / after[1] / (before[0] / before[1]) - 1);
    return { y, target, goal: 100 * goal, change };
  }

  // ---- helpers
  function unpack(packed) {
    const bytes = Uint8Array.from(atob(packed.data), (c) => c.charCodeAt(0));
    return packed.type === "uint8" ? bytes : new Float32Array(bytes.buffer);
  }
  function curve(xs, ys, gap) {  // as enu_lib/live/chart.py
    let d = "", last = null;
    ys.forEach((y, i) => {
      if (isFinite(y)) d += (last === null || xs[i] - last > gap ? "M" : "L") + xs[i] + " " + -y;
      last = isFinite(y) ? xs[i] : null;
    });
    return d;
  }
  const find = (root, selector) => root.querySelector(selector);
  const line = (root, name, d) => find(root, `[data-line="${name}"]`).setAttribute("d", d);

  // playback controls for `count` frames: show(k) draws frame k, the step buttons move by `stride` frames
  function player(root, count, stride, show) {
    const button = find(root, '[data-do="play"]'), seek = find(root, '[data-do="seek"]'), speed = find(root, '[data-do="speed"]');
    let at = +seek.value, timer = null;
    function go(k) {
      at = Math.min(count - 1, Math.max(0, k));
      seek.value = at;
      show(at);
    }
    function pause() {
      scope.clearInterval(timer);
      timer = null;
      button.textContent = "Play";
      button.setAttribute("aria-pressed", "false");
    }
    function play() {
      pause();
      if (at >= count - 1) go(0);
      timer = scope.setInterval(() => {
        if (!root.isConnected || at >= count - 1) pause(); else go(at + 1);
      }, 1000 / (+speed.value * stride));
      button.textContent = "Pause";
      button.setAttribute("aria-pressed", "true");
    }
    button.addEventListener("click", () => (timer === null ? play() : pause()));
    find(root, '[data-do="back"]').addEventListener("click", () => { pause(); go((Math.ceil(at / stride) - 1) * stride); });
    find(root, '[data-do="forward"]').addEventListener("click", () => { pause(); go((Math.floor(at / stride) + 1) * stride); });
    seek.addEventListener("input", () => { pause(); go(+seek.value); });
    speed.addEventListener("change", () => { if (timer !== null) play(); });
    go(at);
  }

  // ---- the three kinds of picture
  function maze(root, data) {
    const f = {};
    for (const name of Object.keys(data)) if (data[name].data !== undefined) f[name] = unpack(data[name]);
    const count = f.square.length, show = live.scene(root, data.centers);
    const synapses = f.synapses ? f.synapses.length / count : 0, neurons = f.outputs.length / count;
    const values = (length, value) => Array.from({ length }, (_, i) => value(i));
    const cursor = find(root, '[data-part="cursor"]'), said = find(root, '[data-part="said"]');
    player(root, count, data.move, (k) => {
      const since = data.meals.reduce((last, [step]) => (step <= k ? step : last), 0);
      show({
        square: f.square[k], heading: f.heading[k], alive: f.alive[k], food: f.food[k], poison: f.poison[k],
        walked: [data.start, ...f.square.slice(since, k + 1)],
        sensors: values(3, (i) => f.sensors[3 * k + i] / 255), reward: f.reward[k] - 1, energy: f.energy[k] / 255,
        outputs: values(neurons, (i) => f.outputs[i * count + k] / 127.5 - 1),
        memories: values(synapses, (i) => f.synapses[k * synapses + i] / 127.5 - 1),
      });
      cursor.setAttribute("transform", `translate(${k} 0)`);
      said.textContent = `step ${k}, move ${Math.floor(k / data.move)}: food ${f.foods[k]}, poison ${f.poisons[k]}.` +
        (f.alive[k] ? "" : " The episode has ended.");
    });
  }

  function windowed(root, data) {
    const steps = Array.from(data.x.data === undefined ? [] : (data.x = unpack(data.x)), (_, t) => t);
    data.genome = unpack(data.genome);
    const control = {};
    for (const element of root.querySelectorAll("[data-set]")) control[element.dataset.set] = element;
    function draw() {
      const pre = +control.pre.value, post = +control.post.value, m = +control.modulator.checked;
      const said = find(root, '[data-part="said"]');
      for (const name of ["pre", "post"]) {
        find(root, `output[data-part="${name}"]`).textContent = control[name].value;
        line(root, name, `M${control[name].value} -0.9V-1`);
      }
      const result = synapse(data, pre, post, m), d = post - pre;
      line(root, "y", curve(steps, result.y, Infinity));
      line(root, "target", curve(steps, result.target, Infinity));
      line(root, "goal", d ? `M${d} ${-result.goal}h0` : "");
      line(root, "change", `M${d} ${-result.change}h0`);
      said.textContent = d === 0
        ? `distance 0 (not used in evolution): the unit changes by ${result.change.toFixed(1)}%.`
        : `distance ${d} steps: the unit changes by ${result.change.toFixed(1)}%, the rule by ${result.goal.toFixed(1)}%.`;
    }
    for (const element of Object.values(control)) element.addEventListener("input", draw);
    draw();
  }

  function evolution(root, data) {
    const evolved = unpack(data.evolved), width = data.distance.length;
    player(root, data.generation.length, 1, (k) => {
      for (const m of [0, 1]) {
        const from = (2 * k + m) * width;
        line(root, `unit${m}`, curve(data.distance, evolved.slice(from, from + width), 1.5));
      }
      line(root, "now", `M${data.generation[k]} ${-Math.log10(data.loss[k])}h0`);
      find(root, '[data-part="said"]').textContent =
        `generation ${data.generation[k]}: loss ${data.loss[k].toPrecision(2)} (${data.note}).`;
    });
  }

  live.kinds = { ...live.kinds, maze, window: windowed, evolution };
  function start() {
    for (const root of scope.document.querySelectorAll("[data-enu-live]:not([data-ready])")) {
      const kind = live.kinds[root.dataset.enuLive];
      if (!kind) continue;  // its own script has not run yet
      root.dataset.ready = "";
      kind(root, JSON.parse(find(root, 'script[type="application/json"]').textContent));
      for (const controls of root.querySelectorAll(".enu-controls")) controls.hidden = false;
      find(root, ".enu-still").hidden = true;
    }
  }

  Object.assign(live, { weightChange, synapse, curve, unpack, find, start });
})(globalThis);
