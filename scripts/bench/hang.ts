import { HOME_REGION, MEMBER_ACCOUNTS } from '../../local/connection.ts';
import { firebreakRun } from './firebreak.ts';
import { atMost, type Measurement, seconds } from './measurement.ts';
import { PublicSnapshots } from './snapshots.ts';

const [member] = MEMBER_ACCOUNTS;
const HANG_S = 60;
const ENDS_WITHIN_MS = 5_000;

/** A call that AWS accepts and does not answer. */
export const hang: Measurement = {
  name: 'hang',
  about: 'a call that is never answered',
  page: 'benchmarks',
  async measure(bench) {
    const { doors } = (await bench.cloud()).connection;
    const account = await bench.account(member, HOME_REGION);
    const snapshot = new PublicSnapshots(account);
    await snapshot.make(1);
    const operation = 'ModifySnapshotAttribute';
    await bench.calls();
    await doors.setFaults([{ service: 'ec2', operation, account: account.id, hang: HANG_S, times: 1 }]);
    bench.progress(`waiting for a call that is not answered for ${HANG_S} s`);
    const report = await firebreakRun(
      bench,
      account,
      'snapshots.privatize-ebs-snapshot',
      snapshot.targets.map(({ arn }) => arn),
    ).finally(() => doors.setFaults([]));
    const attempts = (await bench.calls()).filter((call) => call.operation === operation);
    const hung = attempts.find(({ status }) => status === 0);
    if (!hung) throw new Error('no call hung');
    const closed = await snapshot.closed();
    return {
      title: 'Hung call',
      body: [
        `The first ${operation} is accepted and not answered for ${HANG_S} s. It ends by our own time-out, since the SDK has none by default, and is sent again.`,
        {
          head: ['the hung call ended after', 'attempts', 'the response ended', 'closed, by an independent read'],
          rows: [
            [
              seconds(hung.duration),
              String(attempts.length),
              Object.keys(report.outcomes).join(', '),
              closed === 1 ? 'yes' : 'no',
            ],
          ],
        },
      ],
      figures: [
        atMost('hung call: ends after', hung.duration, ENDS_WITHIN_MS, seconds),
        atMost('hung call: lost', 1 - Math.min(closed, report.outcomes.verified ?? 0), 0),
      ],
    };
  },
};
