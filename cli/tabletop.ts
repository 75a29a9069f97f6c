import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { newRunId } from '../simulations/kinds/kind.ts';
import { TABLETOP } from '../simulations/paper.ts';
import type { Moment, Run, RunRecord } from '../simulations/run.ts';
import { type Card, type Exercise, exerciseIds, readExercise } from '../simulations/tabletop.ts';
import { Failure, UsageError } from './failure.ts';
import { keepMinutes } from './minutes.ts';
import type { Io, Terminal } from './terminal.ts';

export interface TabletopOptions {
  /** What people call the exercise that it is a part of. */
  readonly exercise?: string;
}

const MINUTE_MS = 60_000;

/** The facilitator went. */
class Left extends Error {}

/**
 * `firebreak tabletop <exercise>`: hands out the cards of an exercise at their times, and writes down what was decided. Exit 0 when
 * it came to its end.
 */
export async function tabletop(id: string, options: TabletopOptions, io: Io): Promise<number> {
  if (!exerciseIds().includes(id))
    throw new UsageError(`there is no exercise ${id}; there are ${exerciseIds().join(', ')}`);
  if (!io.input.isTTY) throw new Failure('an exercise is led by a person, at a terminal');
  const exercise = readExercise(id);
  const table = new Table(exercise, options, io);
  return table.lead();
}

/** The table, as its facilitator has it. */
class Table {
  readonly #exercise: Exercise;
  readonly #out: Terminal;
  readonly #err: Terminal;
  readonly #reader: Interface;
  readonly #lines: AsyncIterator<string>;
  /** Nothing more is typed; what was typed before may not have been asked for yet. */
  #closed = false;
  /** The line that comes next, also when what asked for it did not wait. */
  #next: Promise<IteratorResult<string>> | undefined;
  readonly #timeline: Moment[] = [];
  #run: Run;

  constructor(exercise: Exercise, options: TabletopOptions, { out, err, input }: Io) {
    this.#exercise = exercise;
    this.#out = out;
    this.#err = err;
    this.#reader = createInterface({ input, output: process.stderr });
    this.#reader.once('close', () => {
      this.#closed = true;
    });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    const startedAt = new Date();
    this.#run = {
      id: newRunId(),
      scenario: `${TABLETOP}${exercise.id}`,
      fidelity: 'tabletop',
      place: { partition: 'aws', account: 'none', region: 'none' },
      partner: 'none',
      parameters: {},
      ...(options.exercise !== undefined && { exercise: options.exercise }),
      launch: 'on-demand',
      startedAt: startedAt.toISOString(),
      expiresAt: new Date(startedAt.getTime() + exercise.minutes * MINUTE_MS).toISOString(),
      status: 'watching',
      watchSeconds: exercise.minutes * 60,
    };
  }

  async lead(): Promise<number> {
    const { title, text, roles, objectives, cards } = this.#exercise;
    const out = this.#out;
    out.line(['bold', title], '  ', ['dim', this.#run.id]);
    out.text(text);
    out.line();
    out.table(Object.entries(roles).map(([role, what]) => [['bold', role], what]));
    for (const objective of objectives) out.line(['dim', 'objective  '], objective);
    this.#note('started', title);
    try {
      for (const card of cards) await this.#deal(card);
    } catch (error) {
      if (!(error instanceof Left)) throw error;
      return this.#end({ by: 'person', reason: 'the facilitator ended it before its last card' });
    } finally {
      this.#reader.close();
    }
    return this.#end();
  }

  async #deal(card: Card): Promise<void> {
    const { id, after, audience, text, decision, hint, rubric } = card;
    await this.#until(after);
    const out = this.#out;
    out.line();
    out.line(['bold', `T+${after}  ${id}`], `  for ${audience.join(', ')}`);
    out.text(text);
    out.line(['bold', decision]);
    out.table(
      Object.entries({ hint, ...rubric }).map(([what, words]) => [
        ['dim', what],
        ['dim', words],
      ]),
    );
    this.#note(after === 0 ? 'alerted' : 'injected', `card ${id}, for ${audience.join(', ')}`);

    const decided = await this.#ask('what was decided (Enter: nothing)');
    if (decided === '') {
      this.#note('responded', `${id}: nothing was decided`);
      return;
    }
    const at = new Date();
    const by = await this.#ask('by whom');
    const hinted = /^y/i.test(await this.#ask('after the hint? [y/N]'));
    const went = await this.#oneOf(Object.keys(rubric));
    const detail = `${id}: ${decided} (by ${by || 'nobody in particular'}${hinted ? ', after the hint' : ''}; ${went})`;
    const first = !this.#timeline.some(({ what }) => what === 'acknowledged');
    this.#note(first ? 'acknowledged' : 'responded', detail, at);
  }

  /** Waits for the time of a card, or until the facilitator wants it. */
  async #until(after: number): Promise<void> {
    const due = Date.parse(this.#run.startedAt) + after * MINUTE_MS;
    if (due <= Date.now()) return;
    const time = new Date(due).toTimeString().slice(0, 5);
    const timer = new AbortController();
    const dueNow = sleep(due - Date.now(), undefined, { signal: timer.signal }).catch(() => undefined);
    try {
      await this.#ask(`the next card is due at ${time}, T+${after}; Enter: now`, dueNow);
    } finally {
      timer.abort();
    }
  }

  async #oneOf(words: readonly string[]): Promise<string> {
    for (;;) {
      const said = await this.#ask(`how it went: ${words.join(', ')}`);
      const word = words.find((known) => said !== '' && known.startsWith(said.toLowerCase()));
      if (word !== undefined) return word;
    }
  }

  /** @param until when it does not wait any more. @throws {Left} when nobody is there to answer */
  async #ask(question: string, until?: Promise<undefined>): Promise<string> {
    if (!this.#closed) {
      this.#reader.setPrompt(`${question}: `);
      this.#reader.prompt();
    }
    this.#next ??= this.#lines.next();
    const line = await Promise.race([this.#next, ...(until ? [until] : [])]);
    if (!line) return '';
    this.#next = undefined;
    if (line.done) throw new Left();
    return line.value.trim();
  }

  /** Writes down what happened, and keeps it: whatever becomes of this process, it is not lost. */
  #note(what: Moment['what'], detail: string, at = new Date()): void {
    this.#timeline.push({ at: at.toISOString(), what, detail, source: 'people' });
    keepMinutes(this.#record());
  }

  #record = (): RunRecord => ({ run: this.#run, timeline: this.#timeline, responses: [] });

  #end(why?: Pick<NonNullable<Run['stopped']>, 'by' | 'reason'>): number {
    const finishedAt = new Date().toISOString();
    // Nothing was made, so that it is clean.
    this.#run = { ...this.#run, status: 'clean', finishedAt, ...(why && { stopped: { at: finishedAt, ...why } }) };
    keepMinutes(this.#record());
    this.#err.line(`written down: firebreak simulation report ${this.#run.id}`);
    return why ? 130 : 0;
  }
}
