// The rules of the mazes (enu_lib/tasks/maze.py), for one episode, and the changes that a reader can make.
//
// A maze is the task's settings with its tables: ahead (squares, 4), start, shuffles [[sensor_of, action_of], ..], and
// placements [[food, poison], ..] as squares.  Energy and votes are float32, as in the library.
(function (scope) {
  "use strict";
  const live = (scope.enuLive = scope.enuLive || {});
  if (live.rules) return;

  const WALL = 0, FOOD = 1, POISON = 2, FORWARD = 0, LEFT = 1, RIGHT = 2;
  const ACTIONS = ["forward", "left", "right"];  // their names, by number
  const { fround } = Math;

  // Random numbers from a seed (mulberry32); normal(): standard normal (Box and Muller).
  function random(seed) {
    let state = seed >>> 0;
    function uniform() {
      state = (state + 0x6d2b79f5) >>> 0;
      let a = Math.imul(state ^ (state >>> 15), state | 1);
      a ^= a + Math.imul(a ^ (a >>> 7), a | 61);
      return ((a ^ (a >>> 14)) >>> 0) / 4294967296;
    }
    return {
      uniform,
      below: (n) => Math.floor(n * uniform()),
      normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    };
  }

  // A random environment: the meanings of sensors and outputs, and the places of food and poison in every period.
  function draw(maze, numbers) {
    const [sensorOf, actionOf] = maze.shuffles[numbers.below(maze.shuffles.length)], many = maze.placements.length;
    const periods = Math.floor(Math.floor(maze.steps / maze.move_every) / maze.foods_per_period) + 2;
    const chosen = [numbers.below(many)];
    for (let k = 1; k < periods; k++) {
      const last = chosen[k - 1], other = many === 2 ? 1 - last : numbers.below(many);
      chosen.push(numbers.uniform() < maze.change ? other : last);
    }
    return { sensor_of: sensorOf, action_of: actionOf, places: chosen.map((k) => maze.placements[k]) };
  }

  // The state at the start of an episode.  doses: poisons eaten while poison was deadly.
  function begin(maze, environment) {
    const { sensor_of, action_of, places } = environment;
    return {
      square: maze.start, heading: 0, energy: fround(maze.full), alive: true, foods: 0, poisons: 0, doses: 0, reward: 0, shown: 0, goal: 0,
      votes: new Float32Array(3), action: -1, ate: 0, t: 0, food: places[0][0], poison: places[0][1],
      sensor_of: [...sensor_of], action_of: [...action_of], places: places.map((place) => [...place]),
    };
  }

  // The input neurons (4, channels): sensors on channel 0; the reward neuron on channel 1 (food) and channel 2 (poison).
  function observe(maze, s, channels) {
    const x = new Float32Array(4 * channels), ahead = maze.ahead[s.square][s.heading];
    if (s.alive) {
      x[s.sensor_of[WALL] * channels] = +(ahead < 0);
      x[s.sensor_of[FOOD] * channels] = +(maze.meals_visible && ahead === s.food);
      x[s.sensor_of[POISON] * channels] = +(maze.meals_visible && ahead === s.poison);
    }
    x[3 * channels + 1] = Math.max(0, s.reward);
    x[3 * channels + 2] = Math.max(0, -s.reward);
    return x;
  }

  // Whether the teacher has any effect.
  const matters = (maze) => maze.led || maze.teacher_bonus !== 0;

  // The teacher's action (Maze._taught of enu_lib/tasks/maze.py).  First changes the remembering teacher's goal, if that end is
  // of no use.
  function taught(maze, s) {
    const ahead = maze.ahead[s.square][s.heading];
    const known = maze.meals_visible && ahead === s.poison && s.poisons > 0;
    if (maze.teacher === "turning") return ahead < 0 || known ? LEFT : FORWARD;
    if (s.square === maze.ends[s.goal]) s.goal = maze.following[s.goal];
    if (known && ahead === maze.ends[s.goal]) s.goal = maze.following[s.goal];
    return maze.routes[s.goal][s.square][s.heading];
  }

  // After a move to this square: the goal is the end where food was eaten, or the next one if poison was eaten at the goal.
  function remember(maze, s) {
    if (s.ate < 0 && s.square === maze.ends[s.goal]) s.goal = maze.following[s.goal];
    if (s.ate > 0) s.goal = maze.ends.indexOf(s.square);
  }

  // The action for which the outputs have voted, or the teacher's if it leads; -1: none.
  function elected(maze, s) {
    const best = Math.max(...s.votes), tied = s.votes.filter((vote) => vote === best).length;
    const teacher = matters(maze) ? taught(maze, s) : -1;
    if (!s.alive || Number.isNaN(best)) return -1;
    if (maze.led) return teacher;
    if (tied >= (maze.tie === "first" ? 3 : 2)) return -1;
    return s.action_of[s.votes.indexOf(best)];
  }

  // One network step with outputs y (3).  harmless: poison eaten in this step does not count towards death.
  function step(maze, s, y, harmless = false) {
    for (let k = 0; k < 3; k++) s.votes[k] += y[k];
    s.t += 1;
    s.action = -1;
    if (s.t % maze.move_every === 0) {
      s.action = elected(maze, s);
      s.votes.fill(0);
    }
    s.ate = 0;
    if (s.action === FORWARD) {
      const ahead = maze.ahead[s.square][s.heading];
      if (ahead >= 0) s.square = ahead;
      s.ate = +(s.square === s.food) - +(s.square === s.poison);
      if (matters(maze) && maze.teacher === "remembering") remember(maze, s);
    } else if (s.action >= 0) {
      s.heading = (s.heading + (s.action === RIGHT ? 1 : 3)) % 4;
    }
    s.shown = Math.max(0, s.shown - 1);
    if (s.ate) {
      s.foods += +(s.ate > 0);
      s.poisons += +(s.ate < 0);
      s.doses += +(s.ate < 0 && !harmless);
      s.energy = fround(maze.full);
      s.square = maze.start;
      s.heading = 0;
      s.shown = maze.reward_steps;
      s.reward = s.ate;
    }
    if (s.alive) s.energy = fround(s.energy - fround(maze.energy_cost));
    s.alive = s.alive && s.energy > 0 && s.doses < maze.deadly_poisons;
    if (!s.alive || s.shown === 0) s.reward = 0;
    [s.food, s.poison] = s.places[period(maze, s)];
  }

  // Index of the current period in `places` (Maze.period of enu_lib/tasks/maze.py).
  const period = (maze, s) => Math.floor((s.foods + (maze.count_poisons ? s.poisons : 0)) / maze.foods_per_period);

  // Outputs (3) that vote for an action.
  const voteFor = (s, action) => Float32Array.from(s.action_of, (a) => +(a === action));

  // Exchange the places of food and poison, now and in all later periods (enu_lib/widgets/life.py).
  function swap(maze, s) {
    const now = period(maze, s);
    s.places = s.places.map(([food, poison], k) => (k < now ? [food, poison] : [poison, food]));
    [s.food, s.poison] = s.places[now];
  }

  // Rotate the meanings of the sensors by 1 or 2, so that none keeps its meaning (enu_lib/tasks/altered.py).
  const reshuffle = (s, by) => void (s.sensor_of = s.sensor_of.map((_, kind, all) => all[(kind + by) % 3]));

  live.random = random;
  live.rules = { draw, begin, observe, step, swap, reshuffle, voteFor, WALL, FOOD, POISON, FORWARD, LEFT, RIGHT, ACTIONS };
})(globalThis);
