# debpress from a release that `make release` made: its zips and templates go to a bucket of yours, and
# CloudFormation makes the two stacks. Nothing is built here, and no node is needed.
#
#   module "packages" {
#     source        = "./debpress/clients/terraform"
#     release       = "${path.module}/release"
#     assets_bucket = aws_s3_bucket.releases.bucket
#   }

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "release" {
  description = "The folder that `make release` wrote."
  type        = string
}

variable "assets_bucket" {
  description = "A bucket of this Region for the release's files. Functions are created from it."
  type        = string
}

variable "assets_prefix" {
  description = "What their keys begin with: nothing, or a folder that ends in a slash."
  type        = string
  default     = "debpress/"

  validation {
    condition     = var.assets_prefix == "" || endswith(var.assets_prefix, "/")
    error_message = "The prefix must be empty or end in a slash."
  }
}

variable "name" {
  description = "The press's name, as the release's configuration has it."
  type        = string
  default     = "debpress"
}

data "aws_s3_bucket" "assets" {
  bucket = var.assets_bucket
}

locals {
  # A template is stored by its content. So a changed one has another address, at which Terraform sees
  # that the stack changes.
  templates = {
    for stack in ["archive", "press"] : stack => {
      file = "${var.release}/${stack}.template.json"
      key  = "${var.assets_prefix}templates/${filesha256("${var.release}/${stack}.template.json")}.json"
    }
  }
  address = "https://${data.aws_s3_bucket.assets.bucket_regional_domain_name}"
}

resource "aws_s3_object" "assets" {
  for_each = fileset("${var.release}/assets", "*.zip")
  bucket   = var.assets_bucket
  key      = "${var.assets_prefix}${each.value}"
  source   = "${var.release}/assets/${each.value}"
}

resource "aws_s3_object" "templates" {
  for_each     = local.templates
  bucket       = var.assets_bucket
  key          = each.value.key
  source       = each.value.file
  content_type = "application/json"
}

resource "aws_cloudformation_stack" "archive" {
  name         = "${var.name}-archive"
  template_url = "${local.address}/${local.templates["archive"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]

  depends_on = [aws_s3_object.templates]

  # What is published is in it. CloudFormation keeps the bucket and the keys even when it goes.
  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_cloudformation_stack" "press" {
  name         = "${var.name}-press"
  template_url = "${local.address}/${local.templates["press"].key}"
  capabilities = ["CAPABILITY_NAMED_IAM"]

  parameters = {
    AssetsBucket = var.assets_bucket
    AssetsPrefix = var.assets_prefix
  }

  depends_on = [
    aws_s3_object.assets,
    aws_s3_object.templates,
    aws_cloudformation_stack.archive,
  ]
}

output "bucket" {
  description = "The press's bucket."
  value       = aws_cloudformation_stack.press.outputs["Bucket"]
}

output "uri" {
  description = "Where hosts find the repository."
  value       = aws_cloudformation_stack.press.outputs["Uri"]
}

output "signing_fingerprint" {
  description = "The fingerprint of the certificate that hosts have to trust."
  value       = aws_cloudformation_stack.press.outputs["SigningFingerprint"]
}

output "outputs" {
  description = "All that the press's stack tells."
  value       = aws_cloudformation_stack.press.outputs
}
