// Lets in who has a token: a CloudFront Function at each request, before the cache is looked at.
//
// The tokens are in the key-value store, each under its name (layers/debpress: records/token.py).
// Whatever is not as it should be is refused; nothing is logged. The runtime knows no classes, no
// `for … of`, no closures that await (CloudFront developer guide, "JavaScript runtime 2.0").

import cf from 'cloudfront';
import crypto from 'crypto';

// What everybody may read, for a host is set up by it: the script, and the keys that vouch for the
// rest. The paths are filled in at synthesis.
const OPEN = @OPEN@;

// With a token, but whatever its suites are.
const SHARED = @SHARED@;

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
// No secret has this sum that anybody knows. It is compared with where there is no such name, so
// that an answer takes as long.
const NOBODY = { version: 1, sha256: '0'.repeat(64), end: null, suites: [] };

async function handler(event) {
    const request = event.request;
    const path = decoded(request.uri);
    const given = credentials(request.headers.authorization);
    // S3 is asked by CloudFront's own signature, so this goes no further.
    delete request.headers.authorization;
    if (OPEN.indexOf(path) >= 0) {
        return request;
    }
    if (given === null) {
        return refused(401, 'Unauthorized', 'This repository asks for a token.');
    }
    const record = await found(given.name);
    const sum = crypto.createHash('sha256').update(given.secret).digest('hex');
    if (!same(sum, record.sha256)) {
        return refused(401, 'Unauthorized', 'There is no such token, or it was revoked.');
    }
    // Who gets here has the secret, and may know what is the matter.
    if (record.end !== null && !(Date.now() < Date.parse(record.end))) {
        return refused(403, 'Token has ended', 'This token ended at ' + record.end + '.');
    }
    if (record.suites !== null && !covers(record.suites, path)) {
        return refused(403, 'Not a suite of this token', 'This token is for other suites.');
    }
    return request;
}

// The path as S3 reads it; '' if it has none, which no suite covers.
function decoded(uri) {
    try {
        return decodeURIComponent(uri);
    } catch (_) {
        return '';
    }
}

// What a header of Basic authentication says (RFC 7617), or null.
function credentials(header) {
    const fits = header && /^basic +([A-Za-z0-9+\/]+=*)$/i.exec(header.value);
    if (!fits) {
        return null;
    }
    const text = Buffer.from(fits[1], 'base64').toString('utf8');
    const colon = text.indexOf(':');
    return { name: text.substring(0, colon), secret: text.substring(colon + 1) };
}

// The record of a name. Where it can't be read, nobody is let in by it: `get` fails alike for a key
// that is not there and for a store that does not answer.
async function found(name) {
    if (!NAME.test(name)) {
        return NOBODY;
    }
    try {
        const record = await cf.kvs().get(name, { format: 'json' });
        return record.version === 1 ? record : NOBODY;
    } catch (_) {
        return NOBODY;
    }
}

// Whether two texts are the same, in a time that does not tell where they differ.
function same(one, other) {
    if (typeof other !== 'string' || one.length !== other.length) {
        return false;
    }
    let differs = 0;
    for (let i = 0; i < one.length; i++) {
        differs |= one.charCodeAt(i) ^ other.charCodeAt(i);
    }
    return differs === 0;
}

// Whether a token of these suites may read a path. The pool is everybody's: what is in it can't be
// found but by the index of a suite, as its names have sums in them.
function covers(suites, path) {
    const parts = path.split('/');
    for (let i = 1; i < parts.length; i++) {
        if (parts[i] === '' || parts[i] === '.' || parts[i] === '..') {
            return false;
        }
    }
    if (parts[1] === 'pool' || SHARED.indexOf(path) >= 0) {
        return true;
    }
    if (parts[1] === 'dists') {
        return names(suites, parts[2] === 'snapshots' ? parts[4] : parts[2]);
    }
    return parts.length === 2 && names(suites, parts[1].replace(/\.sources$/, '')) &&
        parts[1].endsWith('.sources');
}

// Whether a suite is one of these, or its name begins as one of their patterns does (`pr-*`).
function names(suites, suite) {
    return suites.some(function (each) {
        return each === suite || (each.endsWith('*') && suite !== undefined &&
            suite.length >= each.length && suite.startsWith(each.slice(0, -1)));
    });
}

// apt shows the words beside the number.
function refused(code, words, text) {
    const headers = {
        'cache-control': { value: 'no-store' },
        'content-type': { value: 'text/plain; charset=utf-8' },
    };
    if (code === 401) {
        headers['www-authenticate'] = { value: 'Basic realm="packages", charset="UTF-8"' };
    }
    return { statusCode: code, statusDescription: words, headers: headers, body: text + '\n' };
}
