<?php

/** A token that opens the pulse of one contact for one user, for five minutes. */
function pulse_token(string $secret, string $tenant, string $user, string $contact, ?string $company = null): string
{
    $base64url = fn (string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    $claims = [
        'iss' => $tenant,
        'aud' => 'financial-pulse',
        'sub' => $user,
        'iat' => time(),
        'exp' => time() + 300,
        'jti' => bin2hex(random_bytes(16)),
        'contact' => $contact,
    ];
    if ($company !== null) {
        $claims['company'] = $company;
    }
    $header = ['alg' => 'HS256', 'typ' => 'JWT'];
    $signed = $base64url(json_encode($header, JSON_THROW_ON_ERROR))
        . '.' . $base64url(json_encode($claims, JSON_THROW_ON_ERROR));

    return $signed . '.' . $base64url(hash_hmac('sha256', $signed, $secret, true));
}
