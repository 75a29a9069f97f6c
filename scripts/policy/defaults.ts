import * as z from 'zod/mini';
import { windowOf } from '../../engine/guards/freeze.ts';
import { modeOf } from '../../engine/policy.ts';
import type { Policy } from '../../engine/policy-schema.ts';
import type { Action, Risk } from '../../engine/remediation.ts';

const RISKS = ['safe', 'disruptive', 'destructive'] as const;

/** What holds under a policy, as the table that README.md has of the shipped one. */
export function defaultsTable(policy: Policy, actions: readonly Action[]): string {
  const { budget, coolDown, approvals, exceptions, freezes, incidents, modes, organization, severities } = policy;
  const mode = (risk: Risk, undo: Action['undo']): string => modeOf(policy, { id: '', risk, undo }).mode;
  const reversible: Action['undo'] = async (_clients, _target, recorded) => ({ ...recorded, changedSince: [] });
  const promotions = severities.flatMap(({ types, severity }) => types.map((type) => `\`${type}\` (${severity})`));
  const named = policy.protected.resources
    .filter(({ owner }) => owner !== 'Firebreak')
    .map(({ resource }) => `\`${resource.slice(resource.indexOf(':role/') + 1)}\``);
  const rows: readonly (readonly [what: string, section: string, holds: string])[] = [
    ['runs by itself', '`modes`, `remediations`', RISKS.map((risk) => `${risk}: ${mode(risk, reversible)}`).join('; ')],
    ['what cannot be undone', '', mode('safe', 'irreversible')],
    ['lines by account, unit, severity, tag', '`modes`', count(modes.length)],
    ['left alone', '`exceptions`', count(exceptions.length)],
    ['windows without changes', '`freezes`', freezes.length === 0 ? 'none' : freezes.map(windowOf).join('; ')],
    [
      'never touched',
      '`protected`',
      [
        'root',
        `the management account (${organization.management ?? 'name it in `organization`'})`,
        "Firebreak's own roles, queues, tables",
        ...named,
      ].join(', '),
    ],
    ['shared by too many', '`protected.sharedBy`', `what reaches more than ${policy.protected.sharedBy} things`],
    ['graver than its source says', '`severities`', promotions.join(', ')],
    [
      'changes in an hour',
      '`budget`',
      `${budget.perHour} by remediation and account; ${budget.share * 100} % of all such resources from ${budget.shareFrom} on`,
    ],
    [
      'fixed again and again',
      '`coolDown`',
      `after ${coolDown.fixes} fixes within ${coolDown.hours} hours a person is asked`,
    ],
    ['a plan can be approved', '`approvals`', `for ${approvals.expireAfterHours} hours`],
    [
      'opens an incident',
      '`incidents`',
      `what needs a person, and a fix from ${incidents.verifiedFrom} on; joined within ${incidents.joinHours} hours`,
    ],
    ...actions.flatMap((action) => allowLists(action)),
  ];
  return ['| | section | as shipped |', '|---|---|---|', ...rows.map((row) => `| ${row.join(' | ')} |`)].join('\n');
}

const count = (number: number): string => (number === 0 ? 'none' : String(number));

/** What a remediation leaves open on purpose: parameters that are lists. */
const allowLists = ({ id, parameters }: Action) =>
  Object.entries(z.parse(parameters, {}) as object)
    .filter(([, value]) => Array.isArray(value))
    .map(
      ([name, value]) => [`allowed by \`${id}\``, `\`${name}\``, (value as unknown[]).join(', ') || 'none'] as const,
    );
