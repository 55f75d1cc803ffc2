// Draws the state of an episode into the elements that enu_lib/live/scene.py makes, and all outputs so far onto a canvas.
(function (scope) {
  "use strict";
  const live = (scope.enuLive = scope.enuLive || {});
  if (live.scene) return;

  // The elements of a picture by their attribute data-NAME.
  function named(root, name) {
    const elements = {};
    for (const element of root.querySelectorAll(`[data-${name}]`)) elements[element.dataset[name]] = element;
    return elements;
  }

  // A function that draws one state: square, heading, alive, food, poison, walked (squares since the last meal), sensors (3),
  // reward (-1 to 1), energy (share), outputs (of all neurons, -1 to 1), memories (of all synapses, -1 to 1).
  function scene(root, centers) {
    const part = named(root, "part"), at = (square) => centers[square].join(" ");
    const lamps = root.querySelectorAll("[data-neuron]"), squares = root.querySelectorAll("[data-synapse]");
    const put = (name, square, more = "") => part[name].setAttribute("transform", `translate(${at(square)})${more}`);

    function bar(name, share, color) {
      part[name].style.width = `${100 * Math.min(1, Math.max(0, share))}%`;
      if (color) part[name].style.background = `var(--${color})`;
    }

    return function show(s) {
      put("food", s.food);
      put("poison", s.poison);
      put("agent", s.square, ` rotate(${90 * s.heading})`);
      part.agent.dataset.alive = +s.alive;
      part.trail.setAttribute("d", `M${s.walked.map(at).join("L")}`);
      s.sensors.forEach((value, i) => bar(`sensor ${i + 1}`, value));
      bar("reward", Math.abs(s.reward), s.reward < 0 ? "poison" : "food");
      bar("energy", s.energy);
      for (const lamp of lamps) {
        const value = s.outputs[lamp.dataset.neuron];
        lamp.style.fillOpacity = Math.abs(value);
        if (+lamp.dataset.neuron === 3) lamp.style.fill = value < 0 ? "var(--poison)" : "var(--food)";
      }
      for (const square of squares) {
        const value = s.memories[square.dataset.synapse];
        square.style.fill = value >= 0 ? "var(--evolved)" : "var(--memory)";
        square.style.fillOpacity = Math.abs(value);
      }
    };
  }

  // The memories h (units, H) of units projected onto an axis, -1 to 1 (enu_lib/analysis/memory.py, project).
  function project(axis, h) {
    const H = axis.mean.length;
    return Array.from({ length: h.length / H }, (_, unit) => {
      let sum = 0;
      for (let j = 0; j < H; j++) sum += (h[unit * H + j] - axis.mean[j]) * axis.direction[j];
      return Math.min(1, Math.max(-1, sum / axis.scale));
    });
  }

  // A function that draws the outputs of all neurons over an episode, and its meals, onto a canvas.
  // kinds: for each row, the name of its colour; the reward's row, the fourth, is green for food and red for poison.
  function raster(root, canvas, kinds, steps) {
    const WIDE = Math.min(2, 16000 / (steps + 1)), HIGH = 13, GAP = 2, pen = canvas.getContext("2d"), rows = kinds.length;
    canvas.width = Math.ceil(WIDE * (steps + 1));  // browsers draw at most some 30,000 pixels
    canvas.height = HIGH * (rows + 1);
    let drawn = 0, colours = {}, theme = "";

    function column(values, step, meal) {
      pen.clearRect(WIDE * step, 0, WIDE, canvas.height);
      if (meal) block(0, step, meal > 0 ? "food" : "poison", 1);
      values.forEach((value, i) => {
        const kind = i === 3 && value < 0 ? "poison" : kinds[i];
        if (value) block(i + 1, step, kind, Math.abs(value));
      });
    }

    function block(row, step, kind, opacity) {
      pen.globalAlpha = opacity;
      pen.fillStyle = colours[kind];
      pen.fillRect(WIDE * step, HIGH * row + GAP / 2, WIDE, HIGH - GAP);
    }

    // history: outputs (4 + N) at the start and after every step.  meals: [step, 1 or -1].
    return function show(history, meals) {
      const style = scope.getComputedStyle(root);
      colours = Object.fromEntries([...kinds, "food", "poison"].map((kind) => [kind, style.getPropertyValue(`--${kind}`).trim()]));
      const now = Object.values(colours).join();
      if (now !== theme || history.length <= drawn - 1) {  // another theme, or another episode
        pen.clearRect(0, 0, canvas.width, canvas.height);
        drawn = 0;
        theme = now;
      }
      const eaten = new Map(meals);
      for (let step = Math.max(0, drawn - 1); step < history.length; step++) column(history[step], step, eaten.get(step));
      drawn = history.length;
    };
  }

  Object.assign(live, { named, scene, project, raster });
})(globalThis);
