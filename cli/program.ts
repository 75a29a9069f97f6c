import { Command, Option } from 'commander';
import { OUTCOMES } from '../engine/response.ts';
import type { BreakerOptions, BreakersOptions } from './breaker.ts';
import type { CatalogueOptions } from './catalogue.ts';
import type { DecideOptions } from './decide.ts';
import { addIncidentVerbs } from './incident-verbs.ts';
import type { SwitchOptions } from './kill-switch.ts';
import type { ListOptions } from './list.ts';
import {
  deployed,
  examples,
  holdTime,
  json,
  ledger,
  moment,
  noWait,
  policy,
  reason,
  reasonText,
  region,
  role,
  since,
  wholeNumber,
} from './options.ts';
import type { CheckOptions } from './policy-check.ts';
import type { ExplainOptions } from './policy-explain.ts';
import type { ReplayOptions } from './replay.ts';
import type { RunOptions } from './run.ts';
import type { ShowOptions } from './show.ts';
import { addSimulationVerbs } from './simulation-verbs.ts';
import type { Io } from './terminal.ts';
import type { UndoOptions } from './undo.ts';

const LARGEST_LIMIT = 10_000;
const LARGEST_CONCURRENCY = 100;

const EXIT_CODES = `
Exit codes:
  0  all is well: what was asked for was done, or is so already
  1  an outcome is not good (failed, unverified, changed-since, ...), or AWS or a ledger could not be asked
  2  what was typed cannot be meant so; nothing was started
  130, 143  stopped by Ctrl-C or SIGTERM

Credentials, Region and endpoint are the AWS SDK's: AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, ...
FIREBREAK_HOME names another folder for local records than .firebreak of the project.`;

/**
 * The command line. Verbs are loaded when they are called, since AWS's clients take most of a start.
 * @param ended takes the exit code of the verb
 */
export function commandLine(version: string, io: Io, ended: (code: number) => void): Command {
  const program = new Command('firebreak')
    .description('Security automation for AWS: every fix proven, every fix reversible.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out.text(text), writeErr: (text) => io.err.text(text) })
    .addHelpText('after', EXIT_CODES);

  const verb = (usage: string, description: string, options: readonly Option[], parent = program): Command => {
    const command = parent.command(usage).description(description);
    for (const option of options) command.addOption(option);
    return command;
  };

  verb('catalogue', 'what Firebreak responds to, with what, and what that may do', [policy, json])
    .argument('[remediation]', 'one remediation in full')
    .addHelpText('after', examples('firebreak catalogue', 'firebreak catalogue snapshots.privatize-rds-snapshot'))
    .action(async (id: string | undefined, options: CatalogueOptions) => {
      const { catalogue } = await import('./catalogue.ts');
      ended(await catalogue(id, options, io));
    });

  verb('list', 'responses, newest first', [
    new Option('--since <time>', 'a time ago (12h, 7d) or a date').argParser(since).default(since('7d'), '7d'),
    new Option('--limit <n>', 'at most so many').argParser(wholeNumber(LARGEST_LIMIT)).default(50),
    new Option('--outcome <outcome>', 'only those that ended so').choices(OUTCOMES),
    new Option('--finding <id>', 'only those because of this finding'),
    ...ledger,
    json,
    new Option('--csv', 'one CSV file on standard output, safe to open in a spreadsheet').conflicts('json'),
  ])
    .addHelpText(
      'after',
      examples(
        'firebreak list --since 24h',
        'firebreak list --outcome failed --json',
        'firebreak list --since 90d --limit 10000 --csv > responses.csv',
        'firebreak list --local',
      ) +
        '\n\nIn CSV, a text that a spreadsheet would take for a formula has a single quote before it.\nControl and invisible characters are shown by their code points.',
    )
    .action(async (options: ListOptions) => {
      const { list } = await import('./list.ts');
      ended(await list(options, io));
    });

  verb('show', 'all about one response: finding, plan, facts, timeline, how to undo', [...ledger, json])
    .argument('<response>', 'id of the response, as list shows it')
    .addHelpText('after', examples('firebreak show snapshots-h7kq2m9xwa'))
    .action(async (id: string, options: ShowOptions) => {
      const { show } = await import('./show.ts');
      ended(await show(id, options, io));
    });

  verb('approve', 'let the stored plan of a response run, byte for byte', [
    reason('why, for whoever reads it later'),
    new Option('--yes', 'approve without asking; the plan is shown all the same'),
    noWait,
    ...deployed,
    json,
  ])
    .argument('<response>', 'id of the response, as list shows it')
    .addHelpText(
      'after',
      examples(
        'firebreak approve network-h7kq2m9xwa',
        'firebreak approve network-h7kq2m9xwa --yes --reason "agreed with the owner" --json',
      ) +
        '\n\nfirebreak list --outcome awaiting-approval shows what waits. If the resource moved since, the approval is void: nothing\nis written, and the new plan is shown. The first decision stays. Whom the finding is about cannot decide.\nIt needs the policy firebreak-approver.',
    )
    .action(async (id: string, options: DecideOptions) => {
      const { decide } = await import('./decide.ts');
      ended(await decide('approve', id, options, io));
    });

  verb('deny', 'end a response that awaits approval, without a change', [
    reason('why, for whoever reads it later').makeOptionMandatory(),
    noWait,
    ...deployed,
    json,
  ])
    .argument('<response>', 'id of the response, as list shows it')
    .addHelpText('after', examples('firebreak deny network-h7kq2m9xwa --reason "the port is behind a firewall"'))
    .action(async (id: string, options: DecideOptions) => {
      const { decide } = await import('./decide.ts');
      ended(await decide('deny', id, options, io));
    });

  verb('undo', 'take a response back, part by part, and hold the resource so', [
    new Option('--yes', 'write without asking: an undo opens again what the response closed'),
    new Option(
      '--plan',
      'only show what would be written; of a deployed response, the plan then waits for an approval',
    ),
    reason('why, for whoever meets the hold'),
    new Option(
      '--hold <time>',
      'until then no finding has it fixed again: 12h, 7d, 2w; 0 for none (default: 7d)',
    ).argParser(holdTime),
    new Option('--direct', "with the caller's own credentials, past the door and the approval: to break the glass"),
    role,
    policy,
    ...ledger,
    json,
  ])
    .argument('<response>', 'id of the response, as list shows it')
    .addHelpText(
      'after',
      examples(
        'firebreak undo snapshots-h7kq2m9xwa --plan',
        'firebreak undo snapshots-h7kq2m9xwa --hold 12h --reason "the auditors need it until tonight"',
        'firebreak undo snapshots-h7kq2m9xwa --direct --yes --role BreakGlass',
      ) +
        '\n\nA part that somebody changed since is not written over: the outcome is then changed-since. Until the hold is over,\nfindings about the resource end excepted. An undo of an undo brings the fix back, and lifts the hold.\nA deployed Firebreak does it, through its door: it needs the policy firebreak-undoer, and firebreak-approver to go on\nwithout somebody else. What run changed is taken back directly.',
    )
    .action(async (id: string, options: UndoOptions) => {
      const { undoResponse } = await import('./undo.ts');
      ended(await undoResponse(id, options, io));
    });

  const policies = verb('policy', 'what may happen by itself: whether the policy holds, and what it decides', [])
    .helpCommand(false)
    .addHelpText('after', examples('firebreak policy check', 'firebreak policy explain event.json'));

  verb('check', 'whether a response policy holds: file, line, what is wrong and what to write', [json], policies)
    .argument('[file]', 'the policy (default: the shipped response-policy.yml)')
    .addHelpText('after', examples('firebreak policy check', 'firebreak policy check my-policy.yml --json'))
    .action(async (file: string | undefined, options: CheckOptions) => {
      const { policyCheck } = await import('./policy-check.ts');
      ended(await policyCheck(file, options, io));
    });

  verb(
    'explain',
    'which guard and which line decide about an event, without asking AWS',
    [
      policy,
      new Option('--at <time>', 'as if it were then: 2026-12-24T18:00:00+01:00 (default: now)').argParser(moment),
      json,
    ],
    policies,
  )
    .argument('<event>', 'file with one EventBridge event as JSON, or - for standard input')
    .addHelpText(
      'after',
      examples(
        'firebreak policy explain events/samples/guardduty/miner.json',
        'firebreak policy explain event.json --at 2026-12-24T18:00:00+01:00 --json',
      ),
    )
    .action(async (file: string, options: ExplainOptions) => {
      const { policyExplain } = await import('./policy-explain.ts');
      ended(await policyExplain(file, options, io));
    });

  verb(
    'stop',
    'have no deployed worker fix anything more, within a minute; what has begun is finished, and undo works',
    [region, json],
  )
    .argument('<reason>', 'why, for everybody whose response is deferred', reasonText)
    .addHelpText('after', examples('firebreak stop "the rules deploy went wrong, see INC-7"'))
    .action(async (why: string, options: SwitchOptions) => {
      const { stop } = await import('./kill-switch.ts');
      ended(await stop(why, options, io));
    });

  verb('resume', 'let the workers change things again; what was deferred is tried again', [region, json]).action(
    async (options: SwitchOptions) => {
      const { resume } = await import('./kill-switch.ts');
      ended(await resume(options, io));
    },
  );

  verb('status', 'whether everything is stopped, by whom and since when', [region, json]).action(
    async (options: SwitchOptions) => {
      const { status } = await import('./kill-switch.ts');
      ended(await status(options, io));
    },
  );

  const breaker = program.command('breaker').description('circuit breakers, which stop what is changed too often');
  verb(
    'list',
    'circuit breakers that are open, oldest first',
    [
      new Option('--since <time>', 'look at what was deferred since: a time ago (12h, 7d) or a date')
        .argParser(since)
        .default(since('30d'), '30d'),
      ...deployed,
      json,
    ],
    breaker,
  )
    .addHelpText('after', examples('firebreak breaker list', 'firebreak breaker list --since 90d --json'))
    .action(async (options: BreakersOptions) => {
      const { listBreakers } = await import('./breaker.ts');
      ended(await listBreakers(options, io));
    });
  verb(
    'close',
    'close a circuit breaker, so that what it deferred is tried again',
    [new Option('--account <id>', 'the account that it stopped changes in').makeOptionMandatory(), region, json],
    breaker,
  )
    .argument('<remediation>', 'id of the remediation, as catalogue shows it')
    .addHelpText('after', examples('firebreak breaker close network.close-open-ingress --account 444455556666'))
    .action(async (id: string, options: BreakerOptions) => {
      const { closeBreaker } = await import('./breaker.ts');
      ended(await closeBreaker(id, options, io));
    });

  verb('replay', 'what an event would bring about: reads and plans, and never writes', [
    new Option('--plan', 'only plan: always so'),
    region,
    role,
    policy,
    json,
  ])
    .argument('<event>', 'file with one EventBridge event as JSON, or - for standard input')
    .addHelpText('after', examples('firebreak replay events/samples/securityhub/rds-snapshot-public.json --plan'))
    .action(async (file: string, options: ReplayOptions) => {
      const { replay } = await import('./replay.ts');
      ended(await replay(file, options, io));
    });

  verb('run', "fix resources by their ARNs, with the caller's own credentials and no deployment", [
    new Option('--target <arn...>', 'resources to run on'),
    new Option('--targets-file <file>', 'file with an ARN a line, or - for standard input'),
    new Option('--plan', 'read and plan, and write nothing'),
    new Option('--concurrency <n>', 'targets at a time').argParser(wholeNumber(LARGEST_CONCURRENCY)).default(10),
    region,
    role,
    policy,
    json,
  ])
    .argument('<remediation>', 'id of the remediation, as catalogue shows it')
    .addHelpText(
      'after',
      examples(
        'firebreak run snapshots.privatize-rds-snapshot --plan --target arn:aws:rds:eu-west-1:444455556666:snapshot:daily',
        'firebreak run snapshots.privatize-rds-snapshot --targets-file snapshots.txt --concurrency 20',
      ) +
        '\n\nWhat it changes is recorded first in .firebreak/responses, where undo finds it. Who types it has approved it:\nmode, caution, holds and freezes only warn; exceptions and what is protected hold. Ctrl-C ends what is in work, and starts no more.',
    )
    .action(async (id: string, options: RunOptions) => {
      const { run } = await import('./run.ts');
      ended(await run(id, options, io));
    });

  addIncidentVerbs(program, verb, io, ended);
  addSimulationVerbs(program, verb, io, ended);
  return program;
}
