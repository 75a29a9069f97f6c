import { beforeAll, describe, expect, test } from '@jest/globals';
import { PLAYBOOKS } from '../../engine/playbook.ts';
import type { Action } from '../../engine/remediation.ts';
import { loadPlaybooks } from '../playbooks.ts';
import { loadPolicy, SHIPPED_POLICY } from '../response-policy.ts';
import { loadWorkers } from '../workers.ts';
import { PATTERN_CHARACTERS } from './patterns.ts';
import { forPeople, playbooksIndex, triggersOf } from './playbooks.ts';
import { rulesTo } from './rules.ts';

const playbooks = loadPlaybooks();
let actions: readonly Action[];
beforeAll(async () => {
  actions = (await loadWorkers()).flatMap(({ remediations }) => remediations);
});

describe('what is generated from playbooks', () => {
  test('brings to people what no remediation handles, and nothing else', () => {
    const people = triggersOf(forPeople(playbooks, actions));
    const handled = actions.flatMap(({ handles }) =>
      handles.flatMap(({ source, types }) => types.map((type) => `${source} ${type}`)),
    );
    const told = people.flatMap(({ source, types }) => types.map((type) => `${source} ${type}`));
    expect(told.filter((type) => handled.includes(type))).toEqual([]);
    const all = playbooks.flatMap(({ findings }) =>
      Object.entries(findings).flatMap(([source, types = []]) => types.map((type) => `${source} ${type}`)),
    );
    expect([...new Set([...told, ...handled])].sort()).toEqual([...new Set([...all, ...handled])].sort());
  });

  test('by rules that are short enough, and together have every type once', () => {
    const people = triggersOf(forPeople(playbooks, actions));
    const rules = rulesTo(PLAYBOOKS, people);
    for (const { pattern } of rules) expect(JSON.stringify(pattern).length).toBeLessThanOrEqual(PATTERN_CHARACTERS);
    const guardDuty = rules.filter(({ source }) => source === 'guardduty').map(({ pattern }) => pattern.detail);
    const types = guardDuty.flatMap((detail) => (detail as unknown as { type: string[] }).type);
    expect(types.toSorted()).toEqual(
      people.flatMap(({ source, types: own }) => (source === 'guardduty' ? own : [])).toSorted(),
    );
  });

  test('an index in which each type has a line, with what happens by itself', () => {
    const index = playbooksIndex(playbooks, actions, loadPolicy(SHIPPED_POLICY, actions));
    expect(index).toContain(
      '| guardduty | `Policy:IAMUser/RootCredentialUsage` | [Root activity](root-activity.md) | a person is called |',
    );
    expect(index).toMatch(
      /\| securityhub \| `S3\.2` \| .*`storage\.block-public-bucket`.*: planned, for an approval \|/,
    );
    expect(index).toMatch(/`UnauthorizedAccess:EC2\/SSHBruteForce` .* when the resource is the actor/);
    const lines = index.split('\n').filter((line) => / `/.test(line) && !line.includes('docs/scenarios.md'));
    expect(new Set(lines).size).toBe(lines.length);
  });
});
