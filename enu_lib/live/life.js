// One interactive episode of a network in a maze: each step, and the sentence that reports it.  No drawing, no page.
(function (scope) {
  "use strict";
  const live = (scope.enuLive = scope.enuLive || {});
  if (live.life) return;

  const INPUTS = 4;

  const list = (parts) => (parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`);
  const times = (n) => (n === 1 ? "once" : n === 2 ? "twice" : `${n} times`);

  // data: network and genome (units.js), maze (rules.js), first (the environment of the first episode), seed, names (of all
  // neurons), meanings (what sensors show: wall, food, poison), does (what outputs do: forward, left, right).  The value's
  // fields are the current state; its functions change it and leave a sentence in `said`.
  function life(data) {
    const { rules } = live, { maze, names } = data, net = live.network(data.genome, data.network);
    const usual = data.network.noise, self = { net, maze, number: 0 };
    let numbers;

    // The next episode: another environment, an empty memory, nothing changed by hand.
    function begin() {
      numbers = live.random(data.seed + 2654435761 * self.number);
      const environment = self.number ? rules.draw(maze, numbers) : data.first;
      self.number += 1;
      self.mazeState = rules.begin(maze, environment);
      self.agentState = net.reset();
      self.changed = { noise: usual, silenced: -1, frozen: null, harmless: false, swaps: 0, shuffles: 0 };
      self.history = [now()];  // outputs of all neurons at the start and after every step
      self.meals = [];  // [step, 1 food or -1 poison]
      self.walked = [self.mazeState.square];  // since the last meal
      self.said = `Episode ${self.number} begins. Nothing tells the network what its sensors mean.`;
    }

    const over = () => !self.mazeState.alive || self.mazeState.t >= maze.steps;

    // The input neurons and the first channel of all others; the reward from -1 to 1.
    function now() {
      const x = rules.observe(maze, self.mazeState, net.channels), sensors = [0, 1, 2].map((i) => x[i * net.channels]);
      return [...sensors, self.mazeState.reward, ...net.outputs(self.agentState)];
    }

    // One network step.  action: done in place of what the network's outputs say, which still receives its inputs.
    function step(action = -1) {
      if (over()) return void (self.said = `This episode is over. ${tally()} Press New episode.`);
      const { mazeState, agentState, changed } = self, { food, poison } = mazeState;
      if (changed.silenced >= 0) net.silence(agentState, changed.silenced);
      if (changed.frozen) agentState.synapse.h.set(changed.frozen);
      const noise = changed.noise ? Float32Array.from({ length: net.noises }, numbers.normal) : null;
      net.step(agentState, rules.observe(maze, mazeState, net.channels), noise, changed.noise);
      const y = action < 0 ? net.outputs(agentState).slice(-3) : rules.voteFor(mazeState, action);
      rules.step(maze, mazeState, y, changed.harmless);
      if (mazeState.ate) {
        self.meals.push([mazeState.t, mazeState.ate]);
        self.walked = [mazeState.square];
      } else if (mazeState.square !== self.walked.at(-1)) {
        self.walked.push(mazeState.square);
      }
      self.history.push(now());
      const moved = mazeState.food !== food || mazeState.poison !== poison;
      const news = [meal(), moved ? "Food and poison are in new places." : "", end()].filter(Boolean).join(" ");
      if (news) self.said = news;
    }

    // The rest of a move by hand: its network steps are taken, and what the outputs have voted for so far is dropped.
    function walk(action) {
      if (over()) return step();
      const { square } = self.mazeState;
      self.mazeState.votes.fill(0);
      self.said = "";
      do step(action); while (!over() && self.mazeState.t % maze.move_every);
      if (self.mazeState.action < 0) return;  // it died before it could move
      const stuck = action === rules.FORWARD && self.mazeState.square === square && !self.mazeState.ate;
      const did = stuck ? "You walked against a wall." : `You ${action ? "turned" : "walked"} ${rules.ACTIONS[action]}.`;
      self.said = `${did} ${self.said}`.trim();
    }

    const tally = () => `Food ${self.mazeState.foods}, poison ${self.mazeState.poisons}.`;

    function meal() {
      const { ate, foods, doses } = self.mazeState, left = maze.deadly_poisons - doses;
      if (!ate) return "";
      if (ate > 0) return `Ate food, ${foods} so far.`;
      if (self.changed.harmless) return "Ate poison, which is harmless now.";
      return left > 0 ? `Ate poison. ${left === 1 ? "One more would kill." : `${left} more would kill.`}` : "Ate poison and died.";
    }

    function end() {
      if (!over()) return "";
      const { alive, energy, t } = self.mazeState;
      const why = alive ? "Time is up" : energy > 0 ? "The episode is over" : "The agent has starved";
      return `${why} at move ${Math.floor(t / maze.move_every)}. ${tally()}`;
    }

    // What is said of the sensors, and of the outputs.
    const kindOf = (sensor) => data.meanings[self.mazeState.sensor_of.indexOf(sensor)];
    const sensors = () => `Sensor 1 shows ${kindOf(0)}, sensor 2 ${kindOf(1)}, sensor 3 ${kindOf(2)}.`;
    const actions = () => `${list(self.mazeState.action_of.map((a, i) => `${i ? "o" : "O"}utput ${i + 1} ${data.does[a]}`))}.`;

    function swap() {
      rules.swap(maze, self.mazeState);
      self.changed.swaps += 1;
      look("You swapped food and poison.");
    }

    function shuffle() {
      rules.reshuffle(self.mazeState, 1 + numbers.below(2));
      self.changed.shuffles += 1;
      look(`You shuffled the sensors. ${sensors()}`);
    }

    function look(said) {
      self.history[self.history.length - 1] = now();
      self.said = said;
    }

    // The output of this neuron is not transmitted from now on; -1: all are.
    function silence(neuron) {
      self.changed.silenced = neuron;
      const name = names[INPUTS + neuron], acts = neuron >= net.neurons - rules.ACTIONS.length;
      self.said = neuron < 0 ? "All neurons transmit their outputs again." :
        `The output of ${name} no longer reaches other neurons${acts ? ", but it still moves the agent" : ""}.`;
    }

    function freeze(on) {
      self.changed.frozen = on ? self.agentState.synapse.h.slice() : null;
      self.said = on ? "The synapses' memory is frozen in its present state." : "The synapses' memory can change again.";
    }

    function makeHarmless(on) {
      self.changed.harmless = on;
      const left = maze.deadly_poisons - self.mazeState.doses;
      self.said = on ? "Poison no longer kills." : `Poison kills again, after ${left} more.`;
    }

    function setNoise(sd) {
      self.changed.noise = sd;
      self.said = `The noise of every unit now has s.d. ${sd}.`;
    }

    // What the reader has changed in this episode.
    function changes() {
      const c = self.changed, done = [];
      if (c.swaps) done.push(`food and poison swapped ${times(c.swaps)}`);
      if (c.shuffles) done.push(`sensors shuffled ${times(c.shuffles)}`);
      if (c.silenced >= 0) done.push(`${names[INPUTS + c.silenced]} silenced`);
      if (c.frozen) done.push("synapses frozen");
      if (c.noise !== usual) done.push(`noise ${c.noise} instead of ${usual}`);
      if (c.harmless) done.push("poison harmless");
      return done.length ? `Your changes in this episode: ${list(done)}.` : "You have changed nothing in this episode.";
    }

    begin();
    return Object.assign(self, {
      begin, over, step, walk, swap, shuffle, silence, freeze, makeHarmless, setNoise, sensors, actions, kindOf, changes,
    });
  }

  live.life = life;
})(globalThis);
