"""What all pages share: sign-in by default, sessions, errors, templates, downloads."""
