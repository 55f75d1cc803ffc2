// The toy of enu_lib/live/toy.py: one episode after another, run, stepped or walked by hand, with everything that may be changed.
(function (scope) {
  "use strict";
  const live = (scope.enuLive = scope.enuLive || {});
  if (live.kinds && live.kinds.toy) return;

  const KEYS = { ArrowUp: "forward", ArrowLeft: "left", ArrowRight: "right" };

  function toy(root, data) {
    data.genome = live.unpack(data.genome);
    for (const name of ["mean", "direction"]) data.axis[name] = live.unpack(data.axis[name]);
    const life = live.life(data), { maze } = data, part = live.named(root, "part");
    const press = live.named(root, "do"), set = live.named(root, "set");
    const scene = live.scene(root, data.centers);
    const raster = live.raster(root, part.raster, data.kinds, maze.steps);
    let clock = null;

    function say(name, text) {  // the same text again would be announced again
      if (part[name].textContent !== text) part[name].textContent = text;
    }

    function draw() {
      const { mazeState } = life, outputs = life.history.at(-1);
      scene({
        ...mazeState, walked: life.walked, sensors: outputs.slice(0, 3), energy: mazeState.energy / maze.full, outputs,
        memories: live.project(data.axis, life.changed.frozen || life.agentState.synapse.h),
      });
      raster(life.history, life.meals);
      for (const i of [0, 1, 2]) say(`meaning ${i + 1}`, life.kindOf(i));
      say("foods", String(mazeState.foods));
      say("poisons", String(mazeState.poisons));
      const [move, moves] = [mazeState.t, maze.steps].map((t) => Math.floor(t / maze.move_every));
      say("clock", `Episode ${life.number}, move ${move} of ${moves}, network step ${mazeState.t}.`);
      say("meaning", `${life.sensors()} ${life.actions()}`);
      say("changes", life.changes());
      say("said", life.said);
    }

    // ---- time
    function pause() {
      scope.clearInterval(clock);
      clock = null;
      press.run.textContent = "Run";
      press.run.setAttribute("aria-pressed", "false");
    }

    function run() {
      pause();
      if (life.over()) return go(1);
      clock = scope.setInterval(() => (root.isConnected ? go(1) : pause()), 1000 / (press.speed.value * maze.move_every));
      press.run.textContent = "Pause";
      press.run.setAttribute("aria-pressed", "true");
    }

    // Up to `steps` network steps.
    function go(steps) {
      for (let k = 0; k < steps && (k === 0 || !life.over()); k++) life.step();
      if (life.over()) pause();
      draw();
    }

    function again() {
      life.begin();
      set.silence.selectedIndex = 0;
      set.freeze.checked = set.harmless.checked = false;
      set.noise.value = data.noises.indexOf(life.changed.noise);
      noise();
      draw();
    }

    function noise() {
      const sd = data.noises[+set.noise.value];
      say("noise", String(sd));
      set.noise.setAttribute("aria-valuetext", `standard deviation ${sd}`);
      return sd;
    }

    function walk(name) {
      pause();
      life.walk(live.rules.ACTIONS.indexOf(name));
      draw();
    }

    // ---- controls
    const toggle = () => (clock === null ? run() : pause());
    const stepped = (steps) => { pause(); go(steps); };
    const clicks = {
      run: toggle, step: () => stepped(1), move: () => stepped(maze.move_every - (life.mazeState.t % maze.move_every)), again,
      swap: () => { life.swap(); draw(); }, shuffle: () => { life.shuffle(); draw(); },
    };
    for (const name of live.rules.ACTIONS) clicks[name] = () => walk(name);
    for (const [name, click] of Object.entries(clicks)) press[name].addEventListener("click", click);
    press.speed.addEventListener("change", () => { if (clock !== null) run(); });

    const changes = {
      silence: () => life.silence(+set.silence.value), freeze: () => life.freeze(set.freeze.checked),
      harmless: () => life.makeHarmless(set.harmless.checked), noise: () => life.setNoise(noise()),
    };
    for (const [name, change] of Object.entries(changes)) set[name].addEventListener("input", () => { change(); draw(); });

    part.stage.addEventListener("keydown", (event) => {
      const key = KEYS[event.key];
      if (event.altKey || event.ctrlKey || event.metaKey || !(key || event.key === " ")) return;
      event.preventDefault();  // the page does not scroll
      event.stopPropagation();
      if (key) walk(key); else toggle();
    });
    part.stage.addEventListener("pointerdown", () => part.stage.focus());

    // ---- what a control does, for whoever points at it, touches it or has come to it by keyboard
    for (const name of ["pointerover", "focusin"]) {
      root.addEventListener(name, (event) => {
        const explained = event.target.closest("[title]");
        if (explained && root.contains(explained)) say("hint", explained.title);
      });
    }

    const redraw = new scope.MutationObserver(() => (root.isConnected ? draw() : redraw.disconnect()));
    for (const element of [scope.document.documentElement, scope.document.body]) {  // themes of the book and of JupyterLab
      redraw.observe(element, { attributes: true, attributeFilter: ["data-theme", "data-jp-theme-light"] });
    }
    for (const hidden of root.querySelectorAll(".enu-scripted")) hidden.hidden = false;
    noise();
    draw();
  }

  live.kinds = { ...live.kinds, toy };
})(globalThis);
