import { parseArgs } from 'node:util';
import { budget, bundle } from './bundle.ts';
import { loadPolicy, SHIPPED_POLICY } from './response-policy.ts';
import { loadWorkers } from './workers.ts';

const { values } = parseArgs({
  options: {
    policy: { type: 'string', default: SHIPPED_POLICY },
    out: { type: 'string', default: 'dist' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(
    'npm run build -- [--policy response-policy.yml] [--out dist]\nBundles every worker and checks its size.',
  );
} else {
  const workers = await loadWorkers();
  const policy = loadPolicy(
    values.policy,
    workers.flatMap(({ remediations }) => remediations),
  );
  const bundles = await Promise.all(workers.map(({ name }) => bundle(name, policy, values.out)));
  for (const made of bundles) {
    const limit = budget(made);
    const fits = made.bytes <= limit;
    console.log(
      `${made.worker}: ${made.bytes} bytes of ${limit} (${made.clients.join(', ')})${fits ? '' : ': TOO LARGE'}`,
    );
    if (!fits) process.exitCode = 1;
  }
}
