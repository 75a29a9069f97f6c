import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import { jsonLine, visible, within } from '../../engine/notify/encoders.ts';
import { sweepPage } from '../../engine/notify/sweep-page.ts';
import type { SweepReport } from './sweep.ts';

/** Notices and failures in an event, and characters of each: it stays far below the 256 KB that an entry may have. */
const MOST = 20;
const LONGEST = 1_000;

const metrics = new Metrics({ namespace: 'Firebreak', serviceName: 'sweep' });

/**
 * Tells what came of a sweep: a line in the log, metrics, an event, and, when something is new, a message to people.
 * @param topic ARN of the people's topic; without one, nobody is paged
 */
export async function announce(
  report: SweepReport,
  topic: string | undefined,
  { logger, events, sns }: { logger: Logger; events: EventBridgeClient; sns: SNSClient },
): Promise<void> {
  const { sweep, responses, counts, notices, failures } = report;
  logger.info('sweep ended', { sweep, responses, ...counts, failures: failures.length });
  for (const failure of failures) logger.error('the sweep could not', { failure });
  metrics.addMetric('SweepFailures', MetricUnit.Count, failures.length);
  metrics.addMetric('DeferredResponses', MetricUnit.Count, counts.deferred ?? 0);
  metrics.publishStoredMetrics();

  const short = (text: string): string => visible(within(text, (part) => visible(part).length <= LONGEST));
  const detail = {
    ...{ sweep, responses, counts },
    notices: notices.slice(0, MOST).map((notice) => ({ ...notice, value: short(notice.value) })),
    failures: failures.slice(0, MOST).map(short),
  };
  const Entries = [{ Source: 'firebreak', DetailType: 'Firebreak Sweep Ended', Detail: jsonLine(detail) }];
  const { FailedEntryCount, Entries: answers } = await events.send(new PutEventsCommand({ Entries }));
  if (FailedEntryCount) throw new Error(`EventBridge did not take the event of the sweep: ${answers?.[0]?.ErrorCode}`);

  const page = topic === undefined ? undefined : sweepPage(notices, failures);
  if (page) await sns.send(new PublishCommand({ TopicArn: topic, Subject: page.subject, Message: page.body }));
}
