"""A distribution of CloudFront in front of the bucket, for hosts anywhere.

Who knows its address reads what hosts read, and nothing else; with `tokens` one needs a token, too
(`door`). The bucket stays private, and lets it in by its policy (origin access control).

The archive must not need the distribution, or the two would wait for each other. So the policies of
bucket and key name it by its id, which the configuration gives once it is known, and by the account
until then.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Aws, CfnOutput, Fn, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from constructs import Construct
from debpress.doctor.stacks import ACCESS_LOGS
from debpress.page import POLICY

from . import caching
from .delivery_settings import ASK, NO_TOKENS, Delivery
from .door import Door
from .settings import Settings

SERVICE = "cloudfront.amazonaws.com"
_ADDRESS = "DomainName"
# The zone of every distribution's address (Route 53 API reference, "AliasTarget").
_ZONE = "Z2FDTNDATAQYW2"
# Seconds for which browsers remember that there is https.
_IN_HEADERS = 2 * 365 * 24 * 3600
# Where there is no page, nothing is to be looked at by a browser.
_NOTHING = "default-src 'none'; frame-ancestors 'none'"

_Config = cloudfront.CfnDistribution


def readers(delivery: Delivery) -> list[iam.IPrincipal]:
    """Who reads for hosts: CloudFront, asked by the distribution."""
    return [iam.ServicePrincipal(SERVICE, conditions=_conditions(delivery))]


def _conditions(delivery: Delivery) -> Mapping[str, Mapping[str, str]]:
    every = f"arn:{Aws.PARTITION}:cloudfront::{Aws.ACCOUNT_ID}:distribution/"
    if delivery.distribution:
        return {"StringEquals": {"aws:SourceArn": every + delivery.distribution}}
    return {"ArnLike": {"aws:SourceArn": f"{every}*"}}


def address(settings: Settings) -> str | None:
    """Where hosts find the root by the configuration; None if that is the bucket's own address."""
    if settings.public_uri or settings.delivery is None:
        return settings.public_uri
    own = settings.delivery.domain or Fn.import_value(settings.names.delivered(_ADDRESS))
    return f"https://{own}"


class DeliveryStack(Stack):
    """The root of the repository is the root of the address: `https://<domain>/dists/…`."""

    def __init__(self, scope: Construct, settings: Settings, delivery: Delivery) -> None:
        super().__init__(
            scope,
            settings.names.delivery_stack,
            description=f"{settings.name}: brings Debian packages to hosts anywhere",
        )
        self._settings, self._delivery = settings, delivery
        self._has_page = settings.repository.page is not None
        layout = settings.repository.layout
        self._door = None
        if delivery.tokens != NO_TOKENS:
            self._door = Door(self, "Door", settings.names, layout)
        certificate = delivery.certificate
        if delivery.domain and not certificate:
            certificate = self._certificate(delivery.domain, delivery.zone)
        self.distribution = _Config(
            self,
            "Distribution",
            distribution_config=_Config.DistributionConfigProperty(
                enabled=True,
                default_root_object="index.html" if self._has_page else None,
                comment=settings.names.delivery_stack,
                http_version="http2and3",
                ipv6_enabled=True,
                aliases=[delivery.domain] if delivery.domain else None,
                viewer_certificate=_viewer_certificate(certificate),
                origins=[self._origin()],
                **self._behaviours(),
                custom_error_responses=[
                    _Config.CustomErrorResponseProperty(
                        error_code=code, error_caching_min_ttl=caching.ABSENT
                    )
                    for code in (403, 404)
                ],
                logging=_logging(delivery),
            ),
        )
        if delivery.domain and delivery.zone:
            self._records(delivery.domain, delivery.zone)
        names, own = settings.names, self.distribution.attr_domain_name
        outputs: list[tuple[str, str, str | None]] = [
            ("DistributionId", self.distribution.attr_id, None),
            (_ADDRESS, own, names.delivered(_ADDRESS)),
            ("Uri", settings.public_uri or f"https://{delivery.domain or own}", None),
        ]
        if delivery.logs:
            # Where `debpress status --hosts` finds them.
            place = f"s3://{delivery.logs.bucket}/{delivery.logs.prefix}"
            outputs.append((ACCESS_LOGS, place, None))
        if self._door:
            outputs.append(("TokenStore", self._door.store_arn, None))
        for output, value, export in outputs:
            made = CfnOutput(self, f"{output}Output", value=value, export_name=export)
            made.override_logical_id(output)

    def _origin(self) -> cloudfront.CfnDistribution.OriginProperty:
        """Every path is below the root, so that nothing else of the bucket can be asked for, its
        list neither: a request for `/` is one for the object `<root>/`."""
        bucket = Fn.import_value(self._settings.names.export("Bucket"))
        access = cloudfront.CfnOriginAccessControl(
            self,
            "Access",
            origin_access_control_config=cloudfront.CfnOriginAccessControl.OriginAccessControlConfigProperty(
                name=self._name("access"),
                origin_access_control_origin_type="s3",
                signing_behavior="always",
                signing_protocol="sigv4",
            ),
        )
        return _Config.OriginProperty(
            id="archive",
            domain_name=f"{bucket}.s3.{Aws.REGION}.{Aws.URL_SUFFIX}",
            origin_path=f"/{self._settings.repository.root}",
            origin_access_control_id=access.attr_id,
            # It says that the origin is S3; an identity would be the older way to be let in.
            s3_origin_config=_Config.S3OriginConfigProperty(origin_access_identity=""),
        )

    def _behaviours(self) -> dict[str, Any]:
        """How long what is kept, by `caching`."""
        layout = self._settings.repository.layout
        behaviours = caching.behaviours(layout, page=self._has_page)
        every = dict.fromkeys((caching.FRESH, *(kept for _, kept in behaviours)))
        policies = {kept: self._cache(kept) for kept in every}
        headers = self._headers()
        common: dict[str, Any] = {
            "target_origin_id": "archive",
            "viewer_protocol_policy": "redirect-to-https",
            "allowed_methods": ["GET", "HEAD"],
            "cached_methods": ["GET", "HEAD"],
            # apt compares sizes and sums of what comes.
            "compress": False,
            "response_headers_policy_id": headers,
            "function_associations": (
                [_asked_first(self._door)] if self._door and self._delivery.tokens == ASK else None
            ),
        }
        return {
            "default_cache_behavior": _Config.DefaultCacheBehaviorProperty(
                cache_policy_id=policies[caching.FRESH], **common
            ),
            "cache_behaviors": [
                _Config.CacheBehaviorProperty(
                    path_pattern=path,
                    **common | {"cache_policy_id": policies[kept], "compress": kept.packs},
                )
                for path, kept in behaviours
            ],
        }

    def _cache(self, kept: caching.Kept) -> str:
        """A cache policy by which the object's own Cache-Control rules."""
        config = cloudfront.CfnCachePolicy
        policy = config(
            self,
            f"{kept.name.capitalize()}Cache",
            cache_policy_config=config.CachePolicyConfigProperty(
                name=self._name(kept.name),
                min_ttl=0,
                default_ttl=kept.default,
                max_ttl=kept.most,
                parameters_in_cache_key_and_forwarded_to_origin=config.ParametersInCacheKeyAndForwardedToOriginProperty(
                    cookies_config=config.CookiesConfigProperty(cookie_behavior="none"),
                    headers_config=config.HeadersConfigProperty(header_behavior="none"),
                    query_strings_config=config.QueryStringsConfigProperty(
                        query_string_behavior="none"
                    ),
                    enable_accept_encoding_gzip=kept.packs,
                    enable_accept_encoding_brotli=kept.packs,
                ),
            ),
        )
        return policy.attr_id

    def _headers(self) -> str:
        config = cloudfront.CfnResponseHeadersPolicy
        policy = config(
            self,
            "Headers",
            response_headers_policy_config=config.ResponseHeadersPolicyConfigProperty(
                name=self._name("headers"),
                security_headers_config=config.SecurityHeadersConfigProperty(
                    strict_transport_security=config.StrictTransportSecurityProperty(
                        access_control_max_age_sec=_IN_HEADERS, override=True
                    ),
                    content_type_options=config.ContentTypeOptionsProperty(override=True),
                    content_security_policy=config.ContentSecurityPolicyProperty(
                        content_security_policy=POLICY if self._has_page else _NOTHING,
                        override=True,
                    ),
                    referrer_policy=config.ReferrerPolicyProperty(
                        referrer_policy="no-referrer", override=True
                    ),
                ),
            ),
        )
        return policy.attr_id

    def _certificate(self, domain: str, zone: str | None) -> str:
        certificate = acm.CfnCertificate(
            self,
            "Certificate",
            domain_name=domain,
            validation_method="DNS",
            domain_validation_options=[
                acm.CfnCertificate.DomainValidationOptionProperty(
                    domain_name=domain, hosted_zone_id=zone
                )
            ],
        )
        return certificate.ref

    def _records(self, domain: str, zone: str) -> None:
        for kind in ("A", "AAAA"):
            route53.CfnRecordSet(
                self,
                f"Record{kind}",
                hosted_zone_id=zone,
                name=f"{domain}.",
                type=kind,
                alias_target=route53.CfnRecordSet.AliasTargetProperty(
                    dns_name=self.distribution.attr_domain_name, hosted_zone_id=_ZONE
                ),
            )

    def _name(self, what: str) -> str:
        return self._settings.names.delivery(what)


def _asked_first(door: Door) -> cloudfront.CfnDistribution.FunctionAssociationProperty:
    """Of a behaviour: the door is asked at each request, also of what the cache has."""
    return _Config.FunctionAssociationProperty(
        event_type="viewer-request", function_arn=door.function_arn
    )


def _viewer_certificate(
    certificate: str | None,
) -> cloudfront.CfnDistribution.ViewerCertificateProperty:
    if certificate is None:
        return _Config.ViewerCertificateProperty(cloud_front_default_certificate=True)
    return _Config.ViewerCertificateProperty(
        acm_certificate_arn=certificate,
        ssl_support_method="sni-only",
        minimum_protocol_version="TLSv1.2_2021",
    )


def _logging(delivery: Delivery) -> cloudfront.CfnDistribution.LoggingProperty | None:
    if delivery.logs is None:
        return None
    return _Config.LoggingProperty(
        bucket=f"{delivery.logs.bucket}.s3.{Aws.URL_SUFFIX}",
        prefix=delivery.logs.prefix,
        include_cookies=False,
    )
