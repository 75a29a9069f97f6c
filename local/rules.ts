import {
  DisableRuleCommand,
  EnableRuleCommand,
  EventBridgeClient,
  ListRulesCommand,
} from '@aws-sdk/client-eventbridge';
import { type Connection, HOME_REGION, SECURITY_ACCOUNT } from './connection.ts';

/** Does something while no finding reaches a worker: somebody left its rules off. @throws when it has none */
export async function cutOff<T>(worker: string, connection: Connection, during: () => Promise<T>): Promise<T> {
  const events = new EventBridgeClient((await connection.account(SECURITY_ACCOUNT, HOME_REGION)).client);
  const { Rules = [] } = await events.send(new ListRulesCommand({ NamePrefix: 'firebreak-', Limit: 100 }));
  const rules = Rules.filter(({ Name, ScheduleExpression }) => !ScheduleExpression && Name?.includes(worker));
  if (rules.length === 0) throw new Error(`no rule brings findings to the ${worker} worker`);
  for (const { Name } of rules) await events.send(new DisableRuleCommand({ Name }));
  try {
    return await during();
  } finally {
    for (const { Name } of rules) await events.send(new EnableRuleCommand({ Name }));
  }
}
