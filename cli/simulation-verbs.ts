import { type Command, InvalidArgumentError, Option } from 'commander';
import { ACCOUNT_ID } from '../engine/arn.ts';
import { FIDELITIES } from '../simulations/scenario.ts';
import { examples, json, noWait, reason, region, wholeNumber } from './options.ts';
import type { SimulateOptions } from './simulate.ts';
import type { AbortOptions, SimulationOptions, StatusOptions } from './simulation.ts';
import type { ReportOptions } from './simulation-report.ts';
import type { TabletopOptions } from './tabletop.ts';
import type { Io } from './terminal.ts';

/** Seconds of a day. */
const LONGEST_WATCH = 86_400;
/** What people call an exercise. */
const EXERCISE = /^[\w .-]{1,40}$/;

/** A parameter of a scenario, `name=value`, beside those before it. The value is JSON where it reads as such, else a text. */
export function parameter(text: string, before: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const [, name, value = ''] = /^([a-z][A-Za-z0-9]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It is a name and a value: days=5.');
  return { ...before, [name]: asJson(value) };
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return text;
    throw error;
  }
}

const matching =
  (pattern: RegExp, what: string) =>
  (text: string): string => {
    if (!pattern.test(text)) throw new InvalidArgumentError(`It is ${what}.`);
    return text;
  };

const exercise = new Option('--exercise <name>', 'the exercise that it is a part of: 2026-Q4').argParser(
  matching(EXERCISE, 'a text of 1 to 40 letters, digits, spaces, dots and hyphens'),
);

type Verb = (usage: string, description: string, options: readonly Option[], parent?: Command) => Command;

/** The verbs of simulations. @param ended takes the exit code of the verb */
export function addSimulationVerbs(program: Command, verb: Verb, io: Io, ended: (code: number) => void): void {
  verb('simulate', 'break something in a sandbox account on purpose, and see what comes of it', [
    new Option('--fidelity <level>', "how much of the way is real (default: the deployment's)").choices(FIDELITIES),
    new Option('--account <id>', "sandbox account (default: the deployment's)").argParser(
      matching(ACCOUNT_ID, 'a twelve-digit account id'),
    ),
    new Option('--region <region>', "Region of the run (default: the deployment's)"),
    new Option('--parameter <name=value>', 'a parameter of the scenario; may be given several times').argParser(
      parameter,
    ),
    exercise,
    new Option('--watch <seconds>', 'how long to wait for what is expected').argParser(wholeNumber(LONGEST_WATCH)),
    new Option('--preview', 'only show what it would make, may change and costs'),
    new Option('--yes', 'start without asking; what it would do is shown all the same'),
    noWait,
    new Option('--home <region>', "Region that Firebreak is deployed in; without it the SDK's own setting"),
    json,
  ])
    .argument('<scenario>', 'id of the scenario, as simulation list shows it')
    .addHelpText(
      'after',
      examples(
        'firebreak simulate exfiltration.rds-snapshot-shared --preview',
        'firebreak simulate exfiltration.rds-snapshot-shared --exercise 2026-Q4 --yes --json',
      ) +
        '\n\nIt ends with 0 only when the run passed; with --preview when it would start, with --no-wait when it was started.\nCtrl-C aborts the run, and waits until it is cleaned up; Ctrl-C again leaves it to itself.\nIt needs lambda:InvokeFunction on firebreak-simulate.',
    )
    .action(async (scenario: string, options: SimulateOptions) => {
      const { simulate } = await import('./simulate.ts');
      ended(await simulate(scenario, options, io));
    });

  const simulation = program.command('simulation').description('scenarios, and runs of them').helpCommand(false);
  const run = ['<run>', 'id of the run, as simulation list shows it'] as const;

  verb('list', 'the scenarios, and the latest runs', [region, json], simulation)
    .addHelpText('after', examples('firebreak simulation list'))
    .action(async (options: SimulationOptions) => {
      const { listSimulations } = await import('./simulation.ts');
      ended(await listSimulations(options, io));
    });

  verb(
    'status',
    'where a run is, what happened in it, and how it went',
    [new Option('--follow', 'tell what happens until it is cleaned up; Ctrl-C aborts it'), region, json],
    simulation,
  )
    .argument(...run)
    .addHelpText('after', examples('firebreak simulation status a2b3c4d5e6 --follow'))
    .action(async (id: string, options: StatusOptions) => {
      const { simulationStatus } = await import('./simulation.ts');
      ended(await simulationStatus(id, options, io));
    });

  verb(
    'abort',
    'end a run before its end, and clean up',
    [reason('why, for the report').makeOptionMandatory(), noWait, region, json],
    simulation,
  )
    .argument(...run)
    .addHelpText('after', examples('firebreak simulation abort a2b3c4d5e6 --reason "wrong account"'))
    .action(async (id: string, options: AbortOptions) => {
      const { abortSimulation } = await import('./simulation.ts');
      ended(await abortSimulation(id, options, io));
    });

  verb(
    'report',
    'the after-action report of runs, or of exercises at a table',
    [
      new Option('--format <format>', 'of the report').choices(['html', 'markdown', 'json']).default('markdown'),
      new Option('--output <file>', 'where to write it; without it, to standard output'),
      region,
    ],
    simulation,
  )
    .argument('<run...>', 'ids of runs, as simulation list and tabletop show them')
    .addHelpText('after', examples('firebreak simulation report a2b3c4d5e6 --format html --output report.html'))
    .action(async (ids: readonly string[], options: ReportOptions) => {
      const { simulationReport } = await import('./simulation-report.ts');
      ended(await simulationReport(ids, options, io));
    });

  verb('tabletop', 'lead an exercise at a table: its cards at their times, and what was decided', [exercise])
    .argument('<exercise>', 'folder of the exercise below simulations/tabletop')
    .addHelpText(
      'after',
      examples('firebreak tabletop customer-data-leak --exercise 2026-Q4') +
        '\n\nEnter hands the next card out before its time; Ctrl-D ends the exercise. What was written down is in .firebreak/tabletops.',
    )
    .action(async (id: string, options: TabletopOptions) => {
      const { tabletop } = await import('./tabletop.ts');
      ended(await tabletop(id, options, io));
    });
}
