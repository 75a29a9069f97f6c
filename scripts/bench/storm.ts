import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { firebreakRun } from './firebreak.ts';
import { atMost, type Measurement, ratio, seconds } from './measurement.ts';
import { PublicSnapshots } from './snapshots.ts';

const [, member] = MEMBER_ACCOUNTS;
const BUCKET = 50;
const REFILL_PER_SECOND = 5;
const OPERATION = 'ModifySnapshotAttribute';

/** AWS takes fewer calls than there are things to fix: nothing may be lost, and little time. */
export const storm: Measurement = {
  name: 'storm',
  about: `many snapshots while EC2 throttles ${OPERATION}`,
  page: 'benchmarks',
  async measure(bench) {
    const count = bench.storm;
    // No client can be faster: the bucket pays for the first calls, and its refill for the others.
    const floor = ((count - BUCKET) / REFILL_PER_SECOND) * 1_000;
    const { doors } = (await bench.cloud()).connection;
    const account = await bench.account(member, HOME_REGION);
    const snapshots = new PublicSnapshots(account);
    bench.progress(`making ${count} public snapshots`);
    await snapshots.make(count);
    await bench.calls();
    const throttle = { bucket: BUCKET, refillPerSecond: REFILL_PER_SECOND };
    await doors.setFaults([{ service: 'ec2', operation: OPERATION, account: account.id, throttle }]);
    bench.progress(`closing them while EC2 throttles: at least ${seconds(floor)}`);
    const report = await firebreakRun(
      bench,
      account,
      'snapshots.privatize-ebs-snapshot',
      snapshots.targets.map(({ arn }) => arn),
    ).finally(() => doors.setFaults([]));
    const calls = (await bench.calls()).filter(({ service }) => service === 'ec2');
    const changes = calls.filter(({ operation }) => operation === OPERATION);
    const throttled = changes.filter(({ status }) => status >= 400).length;
    const closed = await snapshots.closed();
    const lost = count - Math.min(closed, report.outcomes.verified ?? 0);
    return {
      title: 'Throttle storm',
      body: [
        `EC2 takes ${BUCKET} calls of ${OPERATION} at once and then ${REFILL_PER_SECOND} a second. \`firebreak run --concurrency 10\` has to close ${count} public snapshots; the floor is (${count} - ${BUCKET}) / ${REFILL_PER_SECOND} = ${floor / 1_000} s. The time is that of the whole command, from its start to its end.`,
        {
          head: ['floor', 'took', 'verified', 'closed, by an independent read', 'calls of EC2', 'of them throttled'],
          rows: [
            [
              seconds(floor),
              seconds(report.milliseconds),
              `${report.outcomes.verified ?? 0} of ${count}`,
              `${closed} of ${count}`,
              String(calls.length),
              String(throttled),
            ],
          ],
        },
      ],
      figures: [
        atMost('throttle storm: time, in floors', report.milliseconds / floor, 1.1, ratio),
        atMost('throttle storm: lost', lost, 0),
      ],
    };
  },
};
