import { parseArgs } from 'node:util';
import { budget, bundleAll } from './bundle.ts';
import { SHIPPED_POLICY } from './response-policy.ts';

const { values } = parseArgs({
  options: {
    policy: { type: 'string', default: SHIPPED_POLICY },
    out: { type: 'string', default: 'dist' },
    help: { type: 'boolean', short: 'h' },
  },
});
if (values.help) {
  console.log(
    'npm run build -- [--policy response-policy.yml] [--out dist]\nBundles every function and checks its size.',
  );
} else {
  for (const made of await bundleAll(values.policy, values.out)) {
    const limit = budget(made);
    const fits = made.bytes <= limit;
    console.log(
      `${made.name}: ${made.bytes} bytes of ${limit} (${made.clients.join(', ')})${fits ? '' : ': TOO LARGE'}`,
    );
    if (!fits) process.exitCode = 1;
  }
}
