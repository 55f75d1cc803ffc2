// One episode in a maze as defined by tasks/maze.py, shared by the CPU kernel (life.cpp) and the GPU kernel (life.cu).

#ifdef __CUDACC__
#define ANYWHERE __device__ inline
#else
#define ANYWHERE inline
#endif

typedef long long whole;  // int64

struct MazeRules {  // filled by kernels/cpu.py
    int steps, move_every, foods_per_period, count_poisons, deadly_poisons, first_meal_counts, first_of_ties, reward_steps;
    int led, remembers, meals_visible;
    int start, periods, squares, ends;
    float full, energy_cost, alive_bonus, explore_bonus, teacher_bonus;
    // One after the other: (squares, 4) the square ahead, per heading, -1: a wall; (ends,) the squares of the ends; (ends,) the
    // end that follows in a round; (ends, squares, 4) the first action of a shortest route to each end.
    const whole* tables;
};

constexpr int DARK = -1, SEEN = 0, GOOD = 1, BAD = 2;  // input neuron: all zero, or 1 on the channel with this number

struct MazeLife {
    const MazeRules* maze;
    const whole *sensor_of, *action_of, *places;  // (3,), (3,), (periods, 2): squares of food and poison
    int square, heading, next, food, poison;  // next: the square ahead, or -1; food, poison: where they are
    int goal;  // the end that the remembering teacher goes to
    int shown, foods, poisons, steps, until_move;
    bool alive;
    float energy, fitness, reward, votes[3];
    unsigned* been;  // one bit per square visited

    ANYWHERE void begin(const MazeRules* rules, const whole* sensors, const whole* actions, const whole* ends,
                        unsigned* visited) {
        maze = rules, sensor_of = sensors, action_of = actions, places = ends, been = visited;
        goal = shown = foods = poisons = steps = 0, until_move = maze->move_every;
        alive = true, energy = maze->full, fitness = reward = 0;
        for (float& vote : votes) vote = 0;
        for (int i = 0; i < words(*maze); i++) been[i] = 0;
        start();
        enters(square);
    }

    // Length of `been` in words.
    ANYWHERE static int words(const MazeRules& rules) { return (rules.squares + 31) / 32; }

    // Marks a square as visited; true if it was not visited before.
    ANYWHERE bool enters(int where) {
        const unsigned bit = 1u << (where % 32);
        const bool first = !(been[where / 32] & bit);
        been[where / 32] |= bit;
        return first;
    }

    // Puts the agent at the start, and food and poison where they belong after this many meals.
    ANYWHERE void start() {
        const int period = (foods + (maze->count_poisons ? poisons : 0)) / maze->foods_per_period;
        food = (int)places[2 * period], poison = (int)places[2 * period + 1];
        square = maze->start, heading = 0;
        look();
    }

    ANYWHERE void look() { next = (int)maze->tables[square * 4 + heading]; }

    // Sets the state of each of the four input neurons.
    ANYWHERE void observe(int (&shows)[4]) const {
        shows[sensor_of[0]] = next < 0 ? SEEN : DARK;
        shows[sensor_of[1]] = maze->meals_visible && next == food ? SEEN : DARK;
        shows[sensor_of[2]] = maze->meals_visible && next == poison ? SEEN : DARK;
        shows[3] = reward > 0 ? GOOD : reward < 0 ? BAD : DARK;
    }

    // One step with the network's outputs.
    ANYWHERE void step(const float (&outputs)[3]) {
        float sum = 0;
        for (int i = 0; i < 3; i++) votes[i] += outputs[i], sum += outputs[i];
        steps++;
        const int ate = --until_move ? 0 : moves(sum);
        float gain = (float)ate;
        if (ate) {
            if (maze->first_meal_counts && foods + poisons == 0) gain = 1;
            (ate > 0 ? foods : poisons)++;
            energy = maze->full;
            start();
        }
        energy -= maze->energy_cost;
        fitness += gain + maze->alive_bonus + 0 * sum;  // NaN stays NaN
        shown = ate ? maze->reward_steps : shown > 0 ? shown - 1 : 0;
        reward = shown > 0 ? (ate ? (float)ate : reward) : 0;
        alive = energy > 0 && poisons < maze->deadly_poisons;
    }

    ANYWHERE const whole* ends() const { return maze->tables + 4 * maze->squares; }

    ANYWHERE int following(int end) const { return (int)ends()[maze->ends + end]; }

    // The teacher's action (see `Maze`).  First changes the remembering teacher's goal, if that end is of no use.
    ANYWHERE int taught() {
        const bool known = next >= 0 && next == poison && poisons > 0 && maze->meals_visible;
        if (!maze->remembers) return next < 0 || known ? 1 : 0;
        if (square == ends()[goal]) goal = following(goal);
        if (known && next == ends()[goal]) goal = following(goal);
        return (int)ends()[2 * maze->ends + (goal * maze->squares + square) * 4 + heading];
    }

    // After a move to this square: the goal is the end where food was eaten, or the next one if poison was eaten at the goal.
    ANYWHERE void remember(int ate) {
        if (ate < 0 && square == ends()[goal]) goal = following(goal);
        for (int end = 0; ate > 0 && end < maze->ends; end++)
            if (square == ends()[end]) goal = end;
    }

    // How well the outputs since the last move agree with the teacher's: 1 minus the mean squared difference.
    ANYWHERE float agreement(int action) const {
        float error = 0;
        for (int i = 0; i < 3; i++) {
            const float difference = votes[i] / (float)maze->move_every - (action_of[i] == action ? 1.0f : 0.0f);
            error += difference * difference;
        }
        return 1 - error / 3;
    }

    // Takes the action with the largest sum, unless ties prevent it, or the teacher's if it leads; adds the teacher's bonus.
    // Returns 1 for food, -1 for poison, else 0.
    ANYWHERE int moves(float sum) {
        int best = 0, same = 0, ate = 0;
        until_move = maze->move_every;
        for (int i = 1; i < 3; i++)
            if (votes[i] > votes[best]) best = i;
        for (int i = 0; i < 3; i++) same += votes[i] == votes[best];
        const bool matters = maze->led || maze->teacher_bonus != 0;
        const int teacher = matters ? taught() : 0;
        if (maze->teacher_bonus != 0) fitness += maze->teacher_bonus * agreement(teacher);
        if ((maze->led || same < (maze->first_of_ties ? 3 : 2)) && sum == sum) {
            const int action = maze->led ? teacher : (int)action_of[best];
            if (action == 0) {
                if (next >= 0) square = next;
                if (enters(square)) fitness += maze->explore_bonus;
                ate = (square == food) - (square == poison);
                if (matters && maze->remembers) remember(ate);
            } else heading = (heading + (action == 2 ? 1 : 3)) % 4;
            look();
        }
        for (float& vote : votes) vote = 0;
        return ate;
    }
};
