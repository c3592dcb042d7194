import type { ApiKey } from "#src/account/account.ts";
import type { Provider } from "#src/catalog/model.ts";
import {
  Check,
  type Filling,
  Group,
  Suggestions,
  TextBlock,
  TextLine,
} from "#src/web/dashboard/key-lines.tsx";
import { secretFormOf } from "#src/web/dashboard/provider-keys-form.ts";

/** What the fields of a provider key are made with. */
export interface ProviderFieldsFor {
  fill: Filling;
  provider: Provider;
  currency: string;
  /** API keys that it may be kept for. */
  apiKeys: readonly Pick<ApiKey, "hash" | "name" | "label">[];
  /** Whether a secret is kept already: an empty field then leaves it. */
  isKept: boolean;
}

/** The fields of a provider's credential, as that provider gives it out, and what it may be used for. */
export function ProviderKeyFields(props: ProviderFieldsFor) {
  const { fill, provider } = props;
  return (
    <>
      <TextLine
        fill={fill}
        name="name"
        label="Name"
        hint="To tell it from others. Empty: the provider's name."
      />
      <SecretLines {...props} />
      <Place {...props} />
      <Suggestions id="provider-regions" of={provider.regions.map(({ id }) => id)} />
      <details open={fill.param !== undefined}>
        <summary>When it is taken, and how much</summary>
        <Options {...props} />
      </details>
    </>
  );
}

function SecretLines({ fill, provider, isKept }: ProviderFieldsFor) {
  const kept = isKept ? "Empty: the one that is kept stays. " : "";
  switch (secretFormOf(provider)) {
    case "google":
      return (
        <TextBlock
          fill={fill}
          name="key"
          label="JSON key of a service account"
          rows={6}
          secret
          hint={`${kept}The whole file, as Google gives it out.`}
        />
      );
    case "aws":
      return (
        <>
          <Secret
            fill={fill}
            name="access_key_id"
            label="Access key id"
            hint={`${kept}With its secret; or an API key of Bedrock below.`}
          />
          <Secret fill={fill} name="secret_access_key" label="Secret access key" />
          <Secret
            fill={fill}
            name="session_token"
            label="Session token"
            hint="Only for credentials that run out."
          />
          <Secret fill={fill} name="key" label="API key of Bedrock" />
        </>
      );
    default:
      return (
        <Secret
          fill={fill}
          name="key"
          label={`API key of ${provider.name}`}
          hint={`${kept}It is sealed where it is kept, and never shown again.`}
        />
      );
  }
}

function Secret(props: { fill: Filling; name: string; label: string; hint?: string }) {
  return <TextLine {...props} type="password" most={8192} />;
}

function Place({ fill, provider }: ProviderFieldsFor) {
  const form = secretFormOf(provider);
  const region = (
    <TextLine
      fill={fill}
      name="region"
      label="Region"
      list="provider-regions"
      hint={
        form === "key" || form === "azure"
          ? "As eu-west. Empty: wherever the provider is reached."
          : "As eu-west, or as the provider calls it: eu-west-1, europe-west4."
      }
    />
  );
  if (form !== "azure") return region;
  return (
    <>
      <TextLine
        fill={fill}
        name="base_url"
        label="Endpoint"
        mode="url"
        most={2000}
        hint="As https://your-resource.openai.azure.com"
      />
      <TextLine
        fill={fill}
        name="deployment"
        label="Deployment"
        hint="Its name, where the key is for one. Name its model below, among those that it has."
      />
      {region}
    </>
  );
}

function Options({ fill, provider, currency, apiKeys }: ProviderFieldsFor) {
  return (
    <>
      <Group title="When">
        <Check
          fill={fill}
          name="always_use"
          label="Always: the gateway's own keys of this provider never stand in"
        />
        <Check
          fill={fill}
          name="is_fallback"
          label="Last: only where the gateway's own keys fail"
        />
        <TextLine
          fill={fill}
          name="weight"
          label="Weight"
          mode="numeric"
          hint="How often it is taken among your keys of this provider: 1 to 1,000. Empty: 1."
        />
      </Group>
      <Group title="How much">
        <TextLine fill={fill} name="rpm_limit" label="Requests a minute" mode="numeric" />
        <TextLine
          fill={fill}
          name="daily_budget"
          label={`At most a day, ${currency}, at the provider's price`}
          mode="decimal"
        />
        <TextLine
          fill={fill}
          name="monthly_budget"
          label={`At most a month, ${currency}, at the provider's price`}
          mode="decimal"
        />
      </Group>
      <Group title="For what">
        <TextBlock
          fill={fill}
          name="supported_models"
          label="Models that it has, one a line"
          rows={2}
          hint="Empty: all of the provider."
        />
        <TextBlock
          fill={fill}
          name="allowed_models"
          label="Models that it may be used for, one a line"
          rows={2}
          hint="Empty: all that it has."
        />
        {apiKeys.length === 0 ? null : (
          <>
            <p class="small soft">For these API keys alone; none chosen: for all.</p>
            {apiKeys.map((key) => (
              <Check
                fill={fill}
                name="allowed_api_key_hashes"
                value={key.hash}
                label={`${key.name} (${key.label})`}
              />
            ))}
          </>
        )}
      </Group>
      {secretFormOf(provider) === "azure" ? null : (
        <Group title="Another address">
          <TextLine
            fill={fill}
            name="base_url"
            label="Base URL"
            mode="url"
            most={2000}
            hint="On the public internet, with https. Empty: the provider's own."
          />
        </Group>
      )}
    </>
  );
}
