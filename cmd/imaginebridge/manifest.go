package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/imaginebridge/imaginebridge/config"
	"github.com/imaginebridge/imaginebridge/sinks/slack"
)

func (p *program) manifestCommand() *cobra.Command {
	var publicURL string
	var socket bool
	cmd := &cobra.Command{
		Use:   "manifest",
		Short: "Print the manifest of the Slack app, to paste at api.slack.com/apps",
		Long: `Prints what api.slack.com/apps, Create New App, From a manifest takes: all that the
bridge needs at Slack, with its own addresses.

With --public-url, or http.public_url of the configuration, the app sends to the
bridge over HTTP and can be installed in any number of workspaces. Without one, or
with --socket, it uses Socket Mode, for one workspace.`,
		Example: `  imaginebridge manifest --public-url https://bridge.example.com
  imaginebridge manifest --socket`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			if !socket && publicURL == "" {
				cfg, err := p.load()
				if err != nil && !errors.Is(err, config.ErrNothing) {
					return err
				}
				publicURL = cfg.HTTP.PublicURL
			}
			if socket {
				publicURL = ""
			}
			text, err := slack.Manifest(strings.TrimRight(publicURL, "/"))
			if err != nil {
				return &usageError{"--public-url is the address of the bridge, such as https://bridge.example.com."}
			}
			_, err = p.out.Write(text)
			return err
		},
	}
	cmd.Flags().StringVar(&publicURL, "public-url", "", "`URL` by which Slack and browsers reach the bridge")
	cmd.Flags().BoolVar(&socket, "socket", false, "for Socket Mode")
	return cmd
}
