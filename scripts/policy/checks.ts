import * as z from 'zod/mini';
import { atLeast } from '../../engine/findings/severity.ts';
import { takes, type Where, within } from '../../engine/policy.ts';
import type { ModeLine, Policy } from '../../engine/policy-schema.ts';
import type { Action } from '../../engine/remediation.ts';
import { targetFromArn, targetKey, workerOf } from '../../engine/targets.ts';
import { type Fault, faultsOf } from './faults.ts';
import { nearest } from './nearest.ts';

/** What a policy that has the right shape gets wrong all the same, and what it says to no effect. */
export interface Findings {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
}

interface Catalogue {
  readonly actions: readonly Action[];
  /** Workers that are not loaded: what the policy says of their remediations is not checked. */
  readonly elsewhere: readonly string[];
}

/** Checks a policy against the catalogue and itself. */
export const check = (policy: Policy, catalogue: Catalogue, now: Date): Findings => ({
  faults: [
    ...remediations(policy, catalogue),
    ...selectors(policy, catalogue),
    ...exceptions(policy, catalogue),
    ...unreached(policy),
    ...twice(policy),
  ],
  warnings: [...over(policy, now), ...blind(policy, catalogue)],
});

const isLoaded = (id: string, { elsewhere }: Catalogue): boolean => !elsewhere.includes(workerOf(id));

const unknown = (where: Where, id: string, { actions }: Catalogue): Fault => {
  const ids = actions.map((action) => action.id);
  const known = id.endsWith('*') ? [...new Set(ids.map((each) => `${workerOf(each)}.*`))] : ids;
  return {
    where,
    wrong: `there is no remediation ${id}`,
    write: nearest(id, known) ?? `one of ${known.join(', ')}`,
  };
};

function remediations(policy: Policy, catalogue: Catalogue): Fault[] {
  return Object.entries(policy.remediations)
    .filter(([id]) => isLoaded(id, catalogue))
    .flatMap(([id, { parameters }]): Fault[] => {
      const where = ['remediations', id];
      const action = catalogue.actions.find((known) => known.id === id);
      if (!action) return [unknown(where, id, catalogue)];
      const { error } = z.safeParse(action.parameters, parameters, { reportInput: true });
      return error ? faultsOf(error.issues, action.parameters, [...where, 'parameters']) : [];
    });
}

/** Remediations and units that lines name. */
function selectors(policy: Policy, catalogue: Catalogue): Fault[] {
  const units = Object.values(policy.accounts).flatMap(
    ({ unit }) => unit?.split('/').map((_, index, steps) => steps.slice(0, index + 1).join('/')) ?? [],
  );
  const lines = (['modes', 'exceptions', 'freezes'] as const).flatMap((section) =>
    policy[section].map((line, index) => ({ where: [section, index], unit: undefined, ...line })),
  );
  return lines.flatMap(({ where, remediation, unit }): Fault[] => {
    const isKnown = remediation === '*' || catalogue.actions.some(({ id }) => takes(remediation, id));
    return [
      ...(isKnown || !isLoaded(remediation, catalogue)
        ? []
        : [unknown([...where, 'remediation'], remediation, catalogue)]),
      ...(unit === undefined || units.includes(unit)
        ? []
        : [
            {
              where: [...where, 'unit'],
              wrong: `no account of accounts is in ${unit}`,
              write: nearest(unit, units) ?? `its accounts: '444455556666': { unit: ${unit} }`,
            },
          ]),
    ];
  });
}

function exceptions(policy: Policy, catalogue: Catalogue): Fault[] {
  const anywhere = { account: '000000000000', region: 'us-east-1' };
  return policy.exceptions.flatMap(({ remediation, resource }, index): Fault[] => {
    const where = ['exceptions', index];
    const actions = catalogue.actions.filter(({ id }) => takes(remediation, id));
    const types = actions.flatMap((action) => action.resource);
    const keyOf = (arn: string): string => {
      const target = targetFromArn(types, arn, anywhere);
      return target ? targetKey(target) : arn;
    };
    const isComplete = remediation !== '*' || catalogue.elsewhere.length === 0;
    if (isComplete && actions.length > 0 && !targetFromArn(types, resource, anywhere)) {
      const kinds = [...new Set(types)].join(', ');
      return [
        { where: [...where, 'resource'], wrong: `${remediation} acts on ${kinds}`, write: 'the ARN of one of those' },
      ];
    }
    const earlier = policy.exceptions
      .slice(0, index)
      .findIndex(
        (other) =>
          (takes(other.remediation, remediation) || takes(remediation, other.remediation)) &&
          keyOf(other.resource) === keyOf(resource),
      );
    return earlier < 0
      ? []
      : [{ where, wrong: `exceptions.${earlier} is about the same resource`, write: 'one of them' }];
  });
}

/** Lines that others ahead of them leave nothing for. */
function unreached({ modes, accounts, remediations }: Policy): Fault[] {
  const covers = (one: ModeLine, other: ModeLine): boolean =>
    takes(one.remediation, other.remediation) &&
    (!one.account || one.account === other.account) &&
    (!one.unit || within(other.unit ?? accounts[other.account ?? '']?.unit, one.unit)) &&
    (!one.severity || atLeast(other.severity ?? 'INFORMATIONAL', one.severity)) &&
    (!one.tag || (one.tag.key === other.tag?.key && one.tag.value === other.tag.value));
  const first = (line: ModeLine, among: readonly ModeLine[]): number => among.findIndex((each) => covers(each, line));
  const fault = (where: Where, earlier: number): Fault => ({
    where,
    wrong: `it is never reached, since modes.${earlier} decides before it`,
    write: 'it ahead of that line, or nothing',
  });
  return [
    ...modes.flatMap((line, index) => {
      const earlier = first(line, modes.slice(0, index));
      return earlier < 0 ? [] : [fault(['modes', index], earlier)];
    }),
    ...Object.entries(remediations).flatMap(([remediation, { mode }]) => {
      const earlier = mode ? first({ remediation, mode }, modes) : -1;
      return earlier < 0 ? [] : [fault(['remediations', remediation, 'mode'], earlier)];
    }),
  ];
}

/** Types that are promoted more than once. */
function twice({ severities }: Policy): Fault[] {
  const seen = new Map<string, number>();
  return severities.flatMap(({ source, types }, index) =>
    types.flatMap((type, position): Fault[] => {
      const earlier = seen.get(`${source} ${type}`);
      seen.set(`${source} ${type}`, earlier ?? index);
      if (earlier === undefined) return [];
      return [
        {
          where: ['severities', index, 'types', position],
          wrong: `severities.${earlier} promotes ${type} already`,
          write: 'it once',
        },
      ];
    }),
  );
}

/** What its time has passed. */
function over(policy: Policy, now: Date): Fault[] {
  const today = now.toISOString().slice(0, 10);
  return [
    ...policy.exceptions.flatMap(({ expires, resource }, index) =>
      expires >= today
        ? []
        : [
            {
              where: ['exceptions', index, 'expires'],
              wrong: `it ended on ${expires}, and ${resource} is answered again`,
              write: 'a later day with a reason that still holds, or take it out',
            },
          ],
    ),
    ...policy.freezes.flatMap(({ until, name }, index) =>
      until === undefined || Date.parse(until) > now.getTime()
        ? []
        : [{ where: ['freezes', index, 'until'], wrong: `freeze ${name} is over`, write: 'the next, or take it out' }],
    ),
  ];
}

/** Lines that go by tags for a remediation that reads none. */
const blind = ({ modes }: Policy, { actions }: Catalogue): Fault[] =>
  modes.flatMap(({ remediation, tag }, index) => {
    const action = tag && actions.find(({ id }) => id === remediation);
    return action && !action.tags
      ? [
          {
            where: ['modes', index, 'tag'],
            wrong: `${remediation} reads no tags, and asks for approval whatever they are`,
            write: 'the line without the tag, if that is meant',
          },
        ]
      : [];
  });
