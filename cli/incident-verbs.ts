import { type Command, Option } from 'commander';
import { SEVERITIES, type Severity } from '../engine/findings/finding.ts';
import { STATES } from '../engine/incidents/incident.ts';
import type { IncidentListOptions, IncidentOptions } from './incident.ts';
import type { OpenOptions, SayOptions } from './incident-say.ts';
import { examples, json, reason, region, since, wholeNumber } from './options.ts';
import type { Io } from './terminal.ts';

const LARGEST_LIMIT = 10_000;

type Verb = (usage: string, description: string, options: readonly Option[], parent?: Command) => Command;

/** The verbs of incidents. @param ended takes the exit code of the verb */
export function addIncidentVerbs(program: Command, verb: Verb, io: Io, ended: (code: number) => void): void {
  const parent = program
    .command('incident')
    .description('incidents: what belongs together of what happened, and what people do about it')
    .helpCommand(false);
  const incident = ['<incident>', 'id of the incident, as incident list shows it'] as const;
  const recorded = [new Option('--table <name>', 'table of the record').default('firebreak-incidents'), region, json];
  const said = [region, json];
  const NEEDS = '\n\nIt needs the policy firebreak-responder. Whom the incident is about has no say in it.';

  verb(
    'list',
    'incidents, newest first',
    [
      new Option('--since <time>', 'opened since: a time ago (12h, 7d) or a date')
        .argParser(since)
        .default(since('30d'), '30d'),
      new Option('--limit <n>', 'at most so many').argParser(wholeNumber(LARGEST_LIMIT)).default(50),
      new Option('--state <state>', 'only those that stand so').choices(STATES),
      ...recorded,
    ],
    parent,
  )
    .addHelpText(
      'after',
      examples('firebreak incident list --state open', 'firebreak incident list --since 90d --json'),
    )
    .action(async (options: IncidentListOptions) => {
      const { listIncidents } = await import('./incident.ts');
      ended(await listIncidents(options, io));
    });

  verb('show', 'all about one incident: what happened, its responses, its playbooks', recorded, parent)
    .argument(...incident)
    .addHelpText('after', examples('firebreak incident show inc-h7kq2m9xwa'))
    .action(async (id: string, options: IncidentOptions) => {
      const { showIncident } = await import('./incident.ts');
      ended(await showIncident(id, options, io));
    });

  verb(
    'open',
    'open an incident by hand, for what no finding tells',
    [
      new Option('--severity <severity>', 'how severe it is').choices(SEVERITIES).makeOptionMandatory(),
      new Option('--account <id>', 'the account that it is about').makeOptionMandatory(),
      new Option('--in <region>', 'the Region that it is about (default: the one that Firebreak is deployed in)'),
      new Option(
        '--subject <arn...>',
        'resources and principals that it is about: what is told of them later joins it',
      ),
      new Option('--playbook <id...>', 'playbooks to work by, by their ids'),
      ...said,
    ],
    parent,
  )
    .argument('<title>', 'what happened, in a line')
    .addHelpText(
      'after',
      `${examples(
        'firebreak incident open "root signed in from abroad" --severity HIGH --account 444455556666 --playbook root-activity',
        'firebreak incident open "a laptop was stolen" --severity MEDIUM --account 444455556666 --subject arn:aws:iam::444455556666:user/ana',
      )}\n\nIt needs the policy firebreak-responder.`,
    )
    .action(async (title: string, options: OpenOptions) => {
      const { openIncident } = await import('./incident-say.ts');
      ended(await openIncident(title, options, io));
    });

  verb('note', 'add what you found or did to the timeline', said, parent)
    .argument(...incident)
    .argument('<text>', 'what you found or did')
    .addHelpText(
      'after',
      examples('firebreak incident note inc-h7kq2m9xwa "the key was in a public repository"') + NEEDS,
    )
    .action(async (id: string, note: string, options: SayOptions) => {
      const { say } = await import('./incident-say.ts');
      ended(await say(id, 'notes', { note }, options, io));
    });

  verb('own', 'take an incident in hand, or say who has it', said, parent)
    .argument(...incident)
    .argument('[owner]', 'who has it (default: the name that you are signed in by)')
    .addHelpText(
      'after',
      examples('firebreak incident own inc-h7kq2m9xwa', 'firebreak incident own inc-h7kq2m9xwa "Ana, night shift"') +
        NEEDS,
    )
    .action(async (id: string, owner: string | undefined, options: SayOptions) => {
      const { own } = await import('./incident-say.ts');
      ended(await own(id, owner, options, io));
    });

  verb(
    'severity',
    'say how severe it is; what is told later does not change that',
    [reason('why, for the timeline'), ...said],
    parent,
  )
    .argument(...incident)
    .argument('<severity>', `one of ${SEVERITIES.join(', ')}`)
    .addHelpText(
      'after',
      examples('firebreak incident severity inc-h7kq2m9xwa CRITICAL --reason "customer data was read"') + NEEDS,
    )
    .action(async (id: string, severity: string, options: SayOptions) => {
      const { rate } = await import('./incident-say.ts');
      ended(await rate(id, severity as Severity, options, io));
    });

  const ends = [
    [
      'contain',
      'contained',
      'say that it goes no further, when Firebreak cannot see that',
      '"the key is gone, and nothing else used it"',
    ],
    [
      'resolve',
      'resolved',
      'end an incident: what comes about the same resource later is another one',
      '"keys rotated, owner told"',
    ],
    [
      'dismiss',
      'false-positive',
      'end an incident that was none: a false positive',
      '"the auditors\' export, agreed with the owner"',
    ],
  ] as const;
  for (const [name, state, description, why] of ends) {
    const because = reason('why, for the timeline');
    verb(name, description, [state === 'false-positive' ? because.makeOptionMandatory() : because, ...said], parent)
      .argument(...incident)
      .addHelpText('after', examples(`firebreak incident ${name} inc-h7kq2m9xwa --reason ${why}`) + NEEDS)
      .action(async (id: string, { reason: given, ...options }: SayOptions) => {
        const { say } = await import('./incident-say.ts');
        ended(await say(id, 'state', { state, ...(given !== undefined && { reason: given }) }, options, io));
      });
  }
}
