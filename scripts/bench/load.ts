import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleAll, HANDLER } from '../bundle.ts';
import { SHIPPED_POLICY } from '../response-policy.ts';
import { workerNames } from '../workers.ts';
import { ROOT, run } from './bench.ts';
import { atMost, type Measurement, median, ratio } from './measurement.ts';

const ROUNDS = 20;
const TIMES_AS_LONG = 1.5;
const LOADER = fileURLToPath(new URL('./load-module.mjs', import.meta.url));

/** A handler with one client and one call of it, by package. */
const ONE_CLIENT: Readonly<Record<string, readonly [client: string, command: string]>> = {
  'client-iam': ['IAMClient', 'ListAccessKeysCommand'],
  'client-ec2': ['EC2Client', 'DescribeSnapshotAttributeCommand'],
  'client-s3': ['S3Client', 'GetBucketAclCommand'],
};

/** What a worker reads at start, as Lambda and serverless.yml set it. */
export const ENVIRONMENT = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  ACCOUNT_ID: '111122223333',
  LEDGER_TABLE: 'firebreak-ledger',
  KILL_SWITCH_PARAMETER: '/firebreak/kill-switch',
  QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/111122223333/queue',
  DEAD_LETTER_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/111122223333/dead-letters',
  SECOND_LOOK_QUEUE_URL: 'https://sqs.eu-west-1.amazonaws.com/111122223333/second-look',
  POWERTOOLS_LOG_LEVEL: 'INFO',
};

/** What a cold start loads, beside the least that a function with an AWS client can load. */
export const load: Measurement = {
  name: 'load',
  about: 'module load of each worker, beside a handler with one SDK client',
  page: 'benchmarks',
  async measure(bench) {
    const out = path.join(bench.folder, 'load');
    bench.progress('bundling the workers and a handler with one client for each of their services');
    const bundles = await bundleAll(SHIPPED_POLICY, out);
    for (const [name, [client, command]] of Object.entries(ONE_CLIENT)) {
      const contents = `import { ${client}, ${command} } from '@aws-sdk/${name}';
        const client = new ${client}({});
        export const handler = (event) => client.send(new ${command}(event));`;
      await build({ ...HANDLER, stdin: { contents, resolveDir: ROOT }, outfile: path.join(out, name, 'index.mjs') });
    }
    const names = workerNames();
    const workers = bundles.flatMap(({ name: worker, clients }) => {
      if (!names.includes(worker)) return [];
      const own = clients.find((client) => Object.hasOwn(ONE_CLIENT, client));
      if (own === undefined) throw new Error(`${worker} has no client of a resource's service`);
      return [{ worker, own }];
    });
    bench.progress(`loading each in ${ROUNDS} processes, in turn`);
    const times = new Map(
      [...Object.keys(ONE_CLIENT), ...workers.map(({ worker }) => worker)].map((name) => [name, [] as number[]]),
    );
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [name, taken] of times) {
        const { output, errors } = await run(
          process.execPath,
          [LOADER, path.join(out, name, 'index.mjs')],
          ENVIRONMENT,
        );
        if (errors) throw new Error(`${name} does not load: ${errors}`);
        taken.push(Number(output));
      }
    }
    const middle = (name: string): number => median(times.get(name) ?? []);
    const timesAsLong = (worker: string, own: string): number => middle(worker) / middle(own);
    return {
      title: 'Module load',
      body: [
        `The time of \`import()\` of each worker's bundle on Node ${process.versions.node}, which makes its clients and reads its policy, beside that of a handler with one client of the service that the worker acts on, bundled the same way with the same plugins. Each load is a process of its own, ${ROUNDS} of each, in turn; medians.`,
        {
          head: ['worker', 'load', 'beside', 'load', 'ratio'],
          rows: workers.map(({ worker, own }) => [
            worker,
            `${middle(worker).toFixed(0)} ms`,
            `one client, \`${own}\``,
            `${middle(own).toFixed(0)} ms`,
            ratio(timesAsLong(worker, own)),
          ]),
        },
      ],
      figures: workers.map(({ worker, own }) =>
        atMost(`module load: ${worker}`, timesAsLong(worker, own), TIMES_AS_LONG, ratio),
      ),
    };
  },
};
