import type { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { PublishCommand, type SNSClient } from '@aws-sdk/client-sns';
import type { Bus } from '../../engine/notify/bus.ts';
import { visible, within } from '../../engine/notify/encoders.ts';
import { sweepPage } from '../../engine/notify/sweep-page.ts';
import type { SweepReport } from './sweep.ts';

/** Notices and failures in an event, and characters of each: it stays far below the 256 KB that an entry may have. */
const MOST = 20;
const LONGEST = 1_000;

const metrics = new Metrics({ namespace: 'Firebreak', serviceName: 'sweep' });

/**
 * Tells what came of a sweep: a line in the log, metrics, a message to people when something is new, and an event.
 * @throws when one of the last two could not be sent: people first, since then the whole sweep is run again
 * @param topic ARN of the people's topic; without one, nobody is paged
 */
export async function announce(
  report: SweepReport,
  topic: string | undefined,
  { logger, bus, sns }: { logger: Logger; bus: Bus; sns: SNSClient },
): Promise<void> {
  const { sweep, responses, counts, notices, failures } = report;
  logger.info('sweep ended', { sweep, responses, ...counts, failures: failures.length });
  for (const failure of failures) logger.error('the sweep could not', { failure });
  metrics.addMetric('SweepFailures', MetricUnit.Count, failures.length);
  metrics.addMetric('DeferredResponses', MetricUnit.Count, counts.deferred ?? 0);
  metrics.publishStoredMetrics();

  const page = topic === undefined ? undefined : sweepPage(notices, failures);
  if (page) await sns.send(new PublishCommand({ TopicArn: topic, Subject: page.subject, Message: page.body }));

  const short = (text: string): string => visible(within(text, (part) => visible(part).length <= LONGEST));
  const detail = {
    ...{ sweep, responses, counts },
    notices: notices.slice(0, MOST).map((notice) => ({ ...notice, value: short(notice.value) })),
    failures: failures.slice(0, MOST).map(short),
  };
  const failed = await bus.put([{ detailType: 'Firebreak Sweep Ended', detail, at: new Date().toISOString() }]);
  for (const error of failed.values()) throw error;
}
