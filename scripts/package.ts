import { execFileSync } from 'node:child_process';
import { bundleAll } from './bundle.ts';
import { SHIPPED_POLICY } from './response-policy.ts';

/** Bundles the workers and packages the service into .serverless/, without AWS credentials and without network. */
await bundleAll(SHIPPED_POLICY);
execFileSync(process.execPath, ['node_modules/serverless/bin/serverless.js', 'package'], {
  stdio: 'inherit',
  env: { ...process.env, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
});
