import { HOME_REGION, MEMBER_ACCOUNTS, SECURITY_ACCOUNT } from '../../local/connection.ts';
import { shareDbSnapshot } from '../../local/exposures/rds-snapshots.ts';
import { told } from '../../local/scenes.ts';
import { DeployedPath } from './deployed.ts';
import { type Measurement, median, quantile } from './measurement.ts';

const [member] = MEMBER_ACCOUNTS;
const EVENTS = 30;
/** Snapshots that nobody shares: a remediation stops when it has changed more than half of what there is. */
const OTHERS = 40;

/** From the finding on the bus to the verified fix, on the path that is deployed. */
export const latency: Measurement = {
  name: 'latency',
  about: 'from a finding on the bus to the verified fix',
  page: 'benchmarks',
  async measure(bench) {
    const path = await DeployedPath.watch(bench);
    const account = await bench.account(member, HOME_REGION);
    bench.progress(`making ${OTHERS} snapshots that nothing is wrong with`);
    for (let index = 0; index < OTHERS; index += 1) await shareDbSnapshot(account, `private-${index}`, []);
    bench.progress(`sending ${EVENTS} findings, one after the other`);
    const times: number[] = [];
    // The first one begins cold, and is not counted.
    for (let index = 0; index <= EVENTS; index += 1) {
      const name = `latency-${index}`;
      await shareDbSnapshot(account, name, ['all']);
      const finding = told(
        'securityhub/rds-snapshot-public',
        { 'orders-before-migration': name },
        { account: SECURITY_ACCOUNT, region: HOME_REGION },
      );
      const { responses, emitted } = await path.tell(finding);
      const [response] = responses;
      if (response?.outcome !== 'verified') throw new Error(`${name} ended ${response?.outcome}: ${response?.reason}`);
      times.push(Date.parse(response.finishedAt ?? '') - emitted);
    }
    const warm = times.slice(1);
    const ms = (value: number) => `${value.toFixed(0)} ms`;
    return {
      title: 'From finding to verified fix',
      body: [
        `${EVENTS} findings of Security Hub about public RDS snapshots, one after the other, through rule, queue and packaged worker of the embedded cloud, with warm workers. It shows what our own code and this machine take; AWS adds the times of its calls (see cost.md for what is assumed of them).`,
        {
          head: ['median', '95 of 100 within', 'the first, with a cold start'],
          rows: [[ms(median(warm)), ms(quantile(warm, 0.95)), ms(times[0] ?? 0)]],
        },
      ],
      figures: [
        { what: 'from finding to verified fix: median', measured: ms(median(warm)) },
        { what: 'from finding to verified fix: 95 of 100 within', measured: ms(quantile(warm, 0.95)) },
      ],
    };
  },
};
