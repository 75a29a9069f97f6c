import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { page } from '../../engine/notify/pages.ts';
import { judge } from '../../simulations/judge.ts';
import type { Run } from '../../simulations/run.ts';
import type { Scenario } from '../../simulations/scenario.ts';
import type { RunStore } from '../../simulations/store.ts';

const metrics = new Metrics({ namespace: 'Firebreak', serviceName: 'simulate' });

interface Outlets {
  readonly logger: Logger;
  readonly sns: SNSClient;
  readonly topic: string;
}

/**
 * Tells what came of a run: a line in the log and metrics. People are told of what a quarter's schedule started, and of canaries
 * that did not pass; who started the others looks at them.
 */
export async function announce(
  run: Run,
  scenario: Scenario,
  store: RunStore,
  { logger, sns, topic }: Outlets,
): Promise<void> {
  const record = await store.record(run.id);
  if (!record) throw new Error(`run ${run.id} has no record`);
  const { verdict } = judge(record, scenario, await store.previous(run));
  logger.info('simulation ended', { run: run.id, scenario: scenario.id, fidelity: run.fidelity, verdict });
  metrics.addMetric('SimulationCleanupsFailed', MetricUnit.Count, run.status === 'clean' ? 0 : 1);
  if (run.launch === 'canary' && verdict === 'passed') metrics.addMetric('CanariesPassed', MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  // What was left behind is told by an alarm, until it is gone: it is tried again every quarter of an hour.
  if (run.status !== 'clean' || run.launch === 'on-demand' || (run.launch === 'canary' && verdict === 'passed')) return;
  const { subject, body } = page({
    first: `[SIMULATION] ${scenario.title}: ${verdict}`,
    facts: [
      ['scenario', scenario.id],
      ['fidelity', run.fidelity],
      ['account', run.place.account],
    ],
    commands: [`firebreak simulation status ${run.id}`],
  });
  await sns.send(new PublishCommand({ TopicArn: topic, Subject: subject, Message: body }));
}

/** A scenario of several that may not start. */
export interface Refused {
  readonly scenario: string;
  readonly why: string;
}

/** Tells people which scenarios of a quarter did not begin: nobody asked for them, and nobody would miss them. */
export async function announceRefused(refused: readonly Refused[], { logger, sns, topic }: Outlets): Promise<void> {
  logger.error('simulations did not begin', { refused });
  const { subject, body } = page({
    first: `[SIMULATION] ${refused.length} of the quarter did not begin`,
    facts: refused.map(({ scenario, why }) => [scenario, why]),
    commands: refused.map(({ scenario }) => `firebreak simulate ${scenario}`),
  });
  await sns.send(new PublishCommand({ TopicArn: topic, Subject: subject, Message: body }));
}

/** Has the alarm know of runs that are not clean though their time is long over, whatever keeps them from it. */
export function countOverdue(runs: number): void {
  metrics.addMetric('SimulationCleanupsFailed', MetricUnit.Count, runs);
  metrics.publishStoredMetrics();
}
