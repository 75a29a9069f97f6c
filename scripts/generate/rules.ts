import { SOURCES } from '../../engine/findings/finding.ts';
import { PLAYBOOKS } from '../../engine/playbook.ts';
import type { Trigger } from '../../engine/triggers.ts';
import type { Worker } from '../workers.ts';
import { type Pattern, patternsFor } from './patterns.ts';

/** One EventBridge rule: events of one source for one worker. */
export interface Rule {
  readonly name: string;
  /** Letters and digits only, as CloudFormation asks of a logical id. */
  readonly logicalId: string;
  readonly source: string;
  readonly worker: string;
  readonly pattern: Pattern;
}

/** CloudFormation's way to write a name. */
export const logicalId = (...names: string[]): string =>
  names.map((name) => name.replaceAll(/(?:^|-)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())).join('');

/** All rules that the triggers of the remediations ask for. */
export const rulesFor = (workers: readonly Worker[]): Rule[] =>
  workers.flatMap(({ name, remediations }) =>
    rulesTo(
      name,
      remediations.flatMap(({ handles }) => handles),
    ),
  );

/** The rules that bring what triggers name to one function. @param worker of the function below functions/ */
export const rulesTo = (worker: string, triggers: readonly Trigger[]): Rule[] =>
  SOURCES.flatMap((source) => {
    const own = triggers.filter((trigger) => trigger.source === source);
    if (own.length === 0) return [];
    return patternsFor(source, own).map((pattern, index) => {
      const suffix = index === 0 ? [] : [String(index + 1)];
      return {
        name: ['firebreak', worker, source, ...suffix].join('-'),
        logicalId: logicalId(worker, source, ...suffix, 'rule'),
        source,
        worker,
        pattern,
      };
    });
  });

/** events/rules.json: the rules of the security account's bus, each to its worker's queue. */
export const rulesTemplate = (rules: readonly Rule[]): object => ({
  Resources: Object.fromEntries(
    rules.map(({ name, logicalId: id, source, worker, pattern }) => [
      id,
      {
        Type: 'AWS::Events::Rule',
        Properties: {
          Name: name,
          Description: `Findings of ${source} ${worker === PLAYBOOKS ? 'that a person responds to, by a playbook' : `that the ${worker} worker responds to`}`,
          EventPattern: pattern,
          Targets: [
            {
              Id: 'queue',
              Arn: { 'Fn::GetAtt': [logicalId(worker, 'queue'), 'Arn'] },
              DeadLetterConfig: { Arn: { 'Fn::GetAtt': [logicalId(worker, 'dead-letter-queue'), 'Arn'] } },
              RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
            },
          ],
        },
      },
    ]),
  ),
});
