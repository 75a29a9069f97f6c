import type { Finding } from '../findings/finding.ts';
import type { Target } from '../remediation.ts';

/** Whom an event may come from. */
export interface Trust {
  readonly home: { readonly account: string; readonly region: string };
  /** Delegated administrators beside the home account. */
  readonly administrators: readonly string[];
}

const SECURITY_HUB_PRODUCT = /^arn:(aws|aws-cn|aws-us-gov):securityhub:([a-z0-9-]+)::product(?:v2)?\/aws\/securityhub$/;

/**
 * Why a finding is not believed, if it is not. A member account can put any text into a finding, and with
 * BatchImportFindings name any resource: so the account that sent the event is the finding's own or an administrator, its
 * Region the finding's own or home, and the product is AWS's.
 * https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
 */
export function inauthentic(finding: Finding, { home, administrators }: Trust): string | undefined {
  const { envelope } = finding;
  if (envelope.account !== finding.account && ![home.account, ...administrators].includes(envelope.account)) {
    return `account ${envelope.account} sent a finding about account ${finding.account}, and is no administrator`;
  }
  if (envelope.region !== finding.region && envelope.region !== home.region) {
    return `Region ${envelope.region} sent a finding about ${finding.region}, and is not the home Region`;
  }
  if (finding.source === 'securityhub') {
    const product = SECURITY_HUB_PRODUCT.exec(finding.productArn ?? '');
    if (product?.[1] !== finding.partition) return 'the finding is not by Security Hub itself';
  }
  return undefined;
}

/** Why a target is not what the finding may speak of: each response acts in the finding's own account and Region. */
export function foreign(target: Target, finding: Finding): string | undefined {
  if (target.account !== finding.account)
    return `the finding of account ${finding.account} names a resource of ${target.account}`;
  if (target.region !== finding.region)
    return `the finding of Region ${finding.region} names a resource in ${target.region}`;
  if (target.partition !== finding.partition) return `the finding names a resource of another partition`;
  return undefined;
}
